from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command, Presence, Side
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import (
    by_place,
    describe_unknown,
    nothing_launched,
)
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.flag_values import flag_values, unwrapped
from metaflow_orchestrator_kit.validate.rules.options import names_before
from metaflow_orchestrator_kit.validate.rules.syntax import mentions

HOOK = "make_decorator_spec"
_FIX = (
    f"Pass `--with=<deco.{HOOK}()>` before `step` for the decorators of the node that are not "
    "statically defined and that no mutator inserted."
)


class DynamicDecoratorsLost(Rule):
    """Decorators that were given with `--with` at create do not reach the tasks.

    `flow.py --with card <scheduler> create` attaches the decorator while it deploys; a task imports
    the flow anew and does not have it. Its effect is missing from every run, without an error.
    Pass the specs of the dynamic decorators on, before `step`.
    """

    code = "MOK210"
    name = "dynamic-decorators-lost"
    clauses = ("D9",)
    severity = Severity.ERROR

    VALID = (
        Example("the specs of the node", compiler("""\
        def command(node):
            top = ["python", "flow.py", "--quiet"]
            for deco in node.decorators:
                if not deco.statically_defined and deco.inserted_by is None:
                    top.append("--with=%s" % deco.make_decorator_spec())
            return top + ["step", node.name, "--run-id", "r", "--task-id", "t"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("none", compiler("""\
        def command(node):
            top = ["python", "flow.py", "--quiet"]
            return top + ["step", node.name, "--run-id", "r", "--task-id", "t"]  # <-- here
        """)),
        Example("their names", compiler("""\
        def command(node):
            top = ["python", "flow.py", "--quiet"]
            for deco in node.decorators:
                top.extend(["--with", deco.name])  # <-- here
            return top + ["step", node.name, "--run-id", "r", "--task-id", "t"]
        """)),
        Example("only its own", compiler("""\
        def command(node):
            top = f"--quiet --with=acme_internal step {node.name}"  # <-- here
            return f"python flow.py {top} --run-id r --task-id t"
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        for program, value in flag_values(analysis, "--with"):
            if bare_name(value):
                text = "decorators are forwarded by their names, without their attributes"
                verdict.fail(program.place(value), text, _FIX)
        for commands in by_place(analysis, "step").values():
            for command in commands:
                self._judge(analysis, command, verdict)

    def _judge(self, analysis: Analysis, command: Command, verdict: Judge) -> None:
        made = command.mentions(HOOK, Side.TOP)
        if made is None and HOOK in names_before(analysis, command, "--with"):
            made = command.tokens[command.at]
        options = command.options("--with", Side.TOP) + command.options("--with", Side.COMMAND)
        computed = [o for o in options if "\0" in (o.text or "\0") or "{" in (o.text or "")]
        if made is not None:
            verdict.ok(made.origin, f"`step` gets what {HOOK}() says")
        elif mentions(analysis, HOOK):
            verdict.unsure(command.origin, f"{HOOK}() is called, but not seen in this command")
        elif computed:
            verdict.unsure(computed[0].origin, "what `--with` stands for could not be followed")
        elif command.presence("--with", Side.TOP) is Presence.UNKNOWN:
            verdict.unsure(command.origin, describe_unknown(command, Side.TOP))
        else:
            verdict.fail(
                command.origin,
                "`step` is started without the decorators that were given with `--with` at create",
                _FIX,
            )


def bare_name(value: ast.expr) -> bool:
    """Whether it is the name of a decorator: ``deco.name``."""
    match unwrapped(value):
        case ast.Attribute(attr="name", value=ast.Name(id=owner)):
            return "deco" in owner or owner == "d"
        case _:
            return False
