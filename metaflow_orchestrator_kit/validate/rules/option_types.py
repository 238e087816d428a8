from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import origin_of
from metaflow_orchestrator_kit.validate.project import Project, dotted
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli

#: Types of click that Metaflow's API has no Python type for: it looks the exact class up.
_UNTYPED = {"IntRange", "FloatRange", "UNPROCESSED", "UnprocessedParamType", "FuncParamType"}
_TYPED = {"str", "int", "float", "bool"}
_HOOK = "get_click_to_python_types"
_COMMAND = "@acme.command()\n@click.option('--n', TYPE)\ndef create(n): ...\n"


class OptionTypeUnknown(Rule):
    """An option has a type that Metaflow's programmatic API does not know.

    The API derives an annotation for every option of every command, and looks click's type up by
    its exact class. `click.IntRange`, a `ParamType` of one's own, or a function raise KeyError as
    soon as the Deployer is built: no command of the group can be used from Python.

    Use a plain type and check the value in the command, or register the type with the hook
    `get_click_to_python_types` (Metaflow 2.19.22).
    """

    code = "MOK116"
    name = "option-type-unknown"
    clauses = ("B5",)
    severity = Severity.ERROR

    VALID = (
        Example("a plain type", cli(_COMMAND.replace("TYPE", "type=int"))),
        Example("a choice", cli(_COMMAND.replace("TYPE", "type=click.Choice(['a'])"))),
        Example("none", cli(_COMMAND.replace("TYPE", "default=1"))),
    )  # fmt: skip
    INVALID = (
        Example("a range", cli(
            _COMMAND.replace("TYPE)", "type=click.IntRange(1, 9))  # <-- here"))),
        Example("a type of one's own", cli(
            "class Size(click.ParamType):\n    name = 'size'\n\n"
            + _COMMAND.replace("TYPE)", "type=Size())  # <-- here"))),
        Example("a function", cli(
            "def size(text):\n    return int(text)\n\n"
            + _COMMAND.replace("TYPE)", "type=size)  # <-- here"))),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        found = clicks.commands(project)
        hooked = any(_HOOK in m.functions or _HOOK in m.source for m in project.modules)
        for command in found:
            for parameter in command.parameters:
                node = parameter.settings.get("type")
                what = _untyped(project, parameter, node) if node is not None else None
                if what is None:
                    continue
                if hooked:
                    verdict.ok(parameter.origin, f"`{what}` is registered with the API")
                    continue
                verdict.fail(
                    origin_of(parameter.module, node or command.node),
                    f"Metaflow's API has no Python type for `{what}`, the type of "
                    f"`{parameter.dest}`",
                    "Use a plain type (int, str, click.Choice ...) and check in the command.",
                )
        if not found:
            verdict.not_applicable("no command line is defined here")
        elif not verdict.findings:
            verdict.ok(found[0].origin, "every option has a type that the API knows")


def _untyped(project: Project, parameter: clicks.Parameter, node: ast.expr) -> str | None:
    """The name of a type that the API cannot look up, or None."""
    target = node.func if isinstance(node, ast.Call) else node
    name = dotted(target) or ""
    last = name.rpartition(".")[2]
    if last in _UNTYPED:
        return name
    if isinstance(target, ast.Lambda):
        return "a function"
    if last in _TYPED or not name:
        return None
    cls = project.resolve_class(name, parameter.module)
    if cls is not None and project.is_subclass(cls, "ParamType", "IntParamType", "StringParamType"):
        return cls.name
    if not isinstance(node, ast.Call) and name in parameter.module.functions:
        return name
    return None
