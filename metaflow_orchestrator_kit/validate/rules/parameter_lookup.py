from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.objects import call_name
from metaflow_orchestrator_kit.validate.plugins import header_of, origin_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli
from metaflow_orchestrator_kit.validate.walking import walk

_COMMAND = """\
@parameters.add_custom_parameters(deploy_mode=False)
@acme.command()
@click.pass_obj
def trigger(obj, **kwargs):
    given = {}
    for _, param in obj.flow._get_parameters():
        BODY
    obj.start(given)
"""
_FIX = 'Look it up as kwargs[param.name.replace("-", "_").lower()].'


class ParameterLookedUpRaw(Rule):
    """`trigger` looks a parameter's value up by the name that the flow gives it.

    Click calls the option `--my-Size` `my_size`: hyphens become underscores, capitals small
    letters. Looked up as `my-Size` there is no value, and the run silently starts with the
    default. Flows with plain names work, so it is found in production.

    Look it up by click's name, and send it under the flow's.
    """

    code = "MOK136"
    name = "parameter-looked-up-raw"
    clauses = ("C7",)
    severity = Severity.ERROR

    VALID = (
        Example("click's name", cli(_COMMAND.replace(
            "BODY", 'given[param.name] = kwargs.get(param.name.replace("-", "_").lower())'))),
        Example("no look-up by name", cli(_COMMAND.replace("BODY", "given.update(kwargs)"))),
    )  # fmt: skip
    INVALID = (
        Example("as it is", cli(_COMMAND.replace(
            "BODY", "given[param.name] = kwargs.get(param.name)  # <-- here"))),
        Example("without the capitals", cli(_COMMAND.replace(
            "BODY", 'given[param.name] = kwargs[param.name.replace("-", "_")]  # <-- here'))),
        Example("through a variable", cli(_COMMAND.replace(
            "BODY", "key = param.name\n        given[key] = kwargs.get(key)  # <-- here"))),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = [
            c for c in clicks.commands(analysis.project)
            if c.flow_parameters and not c.is_group and c.node.args.kwarg is not None
        ]  # fmt: skip
        if not found:
            verdict.not_applicable("no command takes the flow's parameters")
        for command in found:
            bad = list(_raw(command.node))
            if bad:
                node, changes = bad[0]
                lost = " or ".join(
                    w
                    for w, c in (("hyphens", "replace"), ("capitals", "lower"))
                    if c not in changes
                )
                verdict.fail(
                    origin_of(command.module, node),
                    f"a parameter with {lost} in its name is not found here",
                    _FIX,
                )
            else:
                where = header_of(command.module, command.node)
                verdict.ok(where, f"`{command.name}` looks no parameter up by its raw name")


def _raw(node: clicks.Function) -> Iterator[tuple[ast.expr, set[str]]]:
    """Look-ups in the **kwargs by a ``.name`` that was not turned into click's."""
    kwarg = node.args.kwarg
    assert kwarg is not None
    assigned = {
        t.id: n.value
        for n in walk(node)
        if isinstance(n, ast.Assign)
        for t in n.targets
        if isinstance(t, ast.Name)
    }
    for found in walk(node):
        key: ast.expr | None = None
        if isinstance(found, ast.Subscript) and _is(found.value, kwarg.arg):
            key = found.slice
        elif isinstance(found, ast.Call) and call_name(found) in (
            f"{kwarg.arg}.get",
            f"{kwarg.arg}.pop",
        ):
            key = found.args[0] if found.args else None
        if isinstance(key, ast.Name):
            key = assigned.get(key.id)
        changes = _changes(key) if key is not None else None
        if changes is not None and not {"replace", "lower"} <= changes:
            assert isinstance(found, ast.expr)
            yield found, changes


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _changes(key: ast.expr) -> set[str] | None:
    """The methods applied to a ``<something>.name``; None when the key is something else."""
    changes: set[str] = set()
    while isinstance(key, ast.Call) and isinstance(key.func, ast.Attribute):
        changes.add("lower" if key.func.attr in ("lower", "casefold") else key.func.attr)
        key = key.func.value
    return changes if isinstance(key, ast.Attribute) and key.attr == "name" else None
