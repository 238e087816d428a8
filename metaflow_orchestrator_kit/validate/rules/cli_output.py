from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import clicks, edits
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Fix, Severity
from metaflow_orchestrator_kit.validate.plugins import origin_of
from metaflow_orchestrator_kit.validate.project import Module, dotted
from metaflow_orchestrator_kit.validate.reach import reachable
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli
from metaflow_orchestrator_kit.validate.walking import walk

_FIX = "Use obj.echo(...) for people, and obj.echo_always(..., err=False) for machines."
_PRINTING = ("print", "click.echo", "click.secho", "sys.stdout.write")
_COMMAND = "@acme.command()\n@click.pass_obj\ndef create(obj):\n    BODY\n"


class CliPrints(Rule):
    """A command prints past Metaflow.

    `obj.echo` is silenced by `--quiet` and goes to stderr; what a program reads goes to stdout
    through `obj.echo_always(..., err=False)`. `print` and `click.echo` put human text on stdout:
    they corrupt `--only-json`, and cannot be silenced.

    Use the two functions of `obj`.
    """

    code = "MOK133"
    name = "cli-prints"
    clauses = ("C11", "C8")
    severity = Severity.WARNING

    VALID = (
        Example("through Metaflow", cli(_COMMAND.replace("BODY", 'obj.echo("done")'))),
        Example("to a file", cli(_COMMAND.replace(
            "BODY", 'with open("f", "w") as f:\n        print("x", file=f)'))),
    )  # fmt: skip
    INVALID = (
        Example("print", cli(_COMMAND.replace("BODY", 'print("done")  # <-- here'))),
        Example("click's own", cli(_COMMAND.replace("BODY", 'click.echo("done")  # <-- here'))),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = [c for c in clicks.commands(analysis.project) if c.parent is not None]
        places: dict[tuple[str, int], ast.Call] = {}
        modules: dict[str, Module] = {}
        for command in found:
            for module, node in reachable(analysis.project, command.module, command.node):
                if module is command.module:
                    modules[module.path] = module
                    places.update({(module.path, c.lineno): c for c in _prints(node, module)})
        for path, module in modules.items():
            here = [call for (where, _), call in sorted(places.items()) if where == path]
            if here:
                rest = f" (and in {len(here) - 1} more places)" if len(here) > 1 else ""
                verdict.fail(
                    origin_of(module, here[0]),
                    f"`{dotted(here[0].func)}` writes past Metaflow's own output{rest}",
                    _FIX,
                    fix=_fix(module, here),
                )
            else:
                verdict.ok(None, f"{path} writes through Metaflow")
        if not found:
            verdict.not_applicable("no command is defined here")


def _fix(module: Module, calls: list[ast.Call]) -> Fix | None:
    """`obj.echo` in the place of each; it writes to stderr, so who reads stdout may miss it."""
    for call in calls:
        name = dotted(call.func)
        line = call.args[0] if len(call.args) == 1 else None
        if "obj" not in edits.parameters_around(module, call) or name == "sys.stdout.write":
            return None
        if name == "print" and (call.keywords or not _is_text(line)):
            return None
    return Fix(tuple(edits.replacing(module, c.func, "obj.echo") for c in calls), safe=False)


def _is_text(node: ast.expr | None) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _prints(node: ast.AST, module: Module) -> Iterator[ast.Call]:
    for call in walk(node):
        if not isinstance(call, ast.Call) or any(k.arg in ("file", None) for k in call.keywords):
            continue
        name = dotted(call.func) or ""
        if (name == "print" and "print" not in module.functions) or name in (
            "click.echo",
            "click.secho",
            "sys.stdout.write",
        ):
            yield call
