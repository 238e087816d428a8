from __future__ import annotations

import ast
from collections.abc import Mapping

from metaflow_orchestrator_kit.validate import edits
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Fix, Severity
from metaflow_orchestrator_kit.validate.model.frame import Event
from metaflow_orchestrator_kit.validate.model.values import (
    ListCell,
    Origin,
    Ref,
    Value,
    names_in,
    options_of,
)
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects

_HEAD = """\
from metaflow.runner.deployer import DeployedFlow
from metaflow.runner.utils import get_lower_level_group

class AcmeDeployedFlow(DeployedFlow):
    def trigger(self, **kwargs):
        group = get_lower_level_group(self.deployer.api, {}, "acme", {})
"""


def _trigger(body: str, tail: str = "") -> Mapping[str, str]:
    indented = "".join(f"        {line}\n" for line in body.splitlines())
    return objects(_HEAD + indented + tail)


class RunParamsAsTuple(Rule):
    """A multi-value option of a command is given as a tuple.

    Metaflow's programmatic command line repeats an option for the elements of a *list* only. A
    tuple of one element is passed as the literal text `('a',)`, a wrong value and no error; a
    longer one raises TypeError. Pass a list. (A command that takes the flow's parameters as
    options of their own needs neither.)
    """

    code = "MOK003"
    name = "run-params-as-tuple"
    clauses = ("B4",)
    severity = Severity.ERROR

    VALID = (
        Example("a list", _trigger(
            'pairs = [f"{k}={v}" for k, v in kwargs.items()]\n'
            "return group.trigger(run_params=pairs)")),
        Example("the parameters as they are", _trigger("return group.trigger(**kwargs)")),
        Example("a tuple turned into a list", _trigger(
            "pairs = tuple(kwargs)\nreturn group.trigger(run_params=list(pairs))")),
    )  # fmt: skip
    INVALID = (
        Example("a tuple", _trigger(
            'pairs = tuple("%s=%s" % i for i in kwargs.items())  # <-- here\n'
            "return group.trigger(run_params=pairs)")),
        Example("through a helper", _trigger(
            "return group.trigger(run_params=_pairs(kwargs))",
            "\ndef _pairs(kwargs):\n    return tuple(kwargs)  # <-- here\n")),
        Example("through a mapping", _trigger(
            'options = {"name": "x"}\noptions["tags"] = ("a", "b")  # <-- here\n'
            "return group.trigger(**options)")),
        Example("on create", _trigger('return group.create(tags=("a",))  # <-- here')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        seen = False
        for event in analysis.events:
            if event.kind != "call" or not _is_command(event):
                continue
            seen = True
            tuples = 0
            for key, value, _, _ in event.kwargs:
                for origin in _tuples(event, value):
                    tuples += 1
                    verdict.fail(
                        origin,
                        f"`{key}` reaches {_command(event)} as a tuple",
                        f"Pass a list: `{key}=[...]`.",
                        fix=_fix(analysis, event, origin),
                    )
            if not tuples:
                verdict.ok(event.origin, f"{_command(event)} is called without a tuple")
        flows = [c for c in project.classes() if project.is_subclass(c, "DeployedFlow")]
        if not seen and flows:
            where = Origin(flows[0].module.path, flows[0].node.lineno, 1, flows[0].node.lineno)
            verdict.unsure(where, f"how `{flows[0].name}` calls its commands could not be followed")
        elif not seen and analysis.has_code() and project.extensions:
            verdict.not_applicable("there is no DeployedFlow that calls commands")


def _command(event: Event) -> str:
    return f"the command `{event.name}`" if event.name else "a command"


def _is_command(event: Event) -> bool:
    """A call on the group that `get_lower_level_group` or the click API answers."""
    names = names_in(event.receiver)
    return "get_lower_level_group" in names or bool(
        {"deployer", "api"} <= names and event.name in ("trigger", "create")
    )


def _fix(analysis: Analysis, event: Event, origin: Origin) -> Fix | None:
    """A list in its place; what is made elsewhere may be meant to be a tuple for others."""
    module = analysis.module(origin.path)
    node = edits.node_at(module, origin, ast.Tuple, ast.Call) if module else None
    if module is None or node is None:
        return None
    if isinstance(node, ast.Call) and not (
        isinstance(node.func, ast.Name) and node.func.id == "tuple"
    ):
        return None
    made = edits.as_list(module, node)
    call = event.origin
    inside = origin.path == call.path and call.line <= origin.line <= call.end_line
    return Fix(made, safe=inside) if made else None


def _tuples(event: Event, value: Value) -> list[Origin]:
    found: list[Origin] = []
    for _, option in options_of(value):
        cell = event.cells.get(option.cell) if isinstance(option, Ref) else None
        if isinstance(cell, ListCell) and cell.kind == "tuple":
            found.append(cell.origin)
    return found
