from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.rules.assigned import made_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal
from metaflow_orchestrator_kit.validate.walking import names, walk

_FIX = "Ask whether it is None: 0, False and an empty text are defaults too."


class FalseDefaultDropped(Rule):
    """A parameter's default is left out when it is 0, False or empty.

    `if default:` is false for `Parameter("dry_run", default=False)`. The form of the scheduler
    then shows no default, or the parameter counts as required and the schedule cannot start.
    """

    code = "MOK865"
    name = "false-default-dropped"
    clauses = ("D6",)
    severity = Severity.WARNING

    VALID = (
        Example("whether there is one", compiler("""\
        def entry(param):
            found = {"name": param.name}
            default = param.kwargs.get("default")
            if default is not None:
                found["default"] = default
            return found
        """)),
    )  # fmt: skip
    INVALID = (
        Example("by its truth", compiler("""\
        def entry(param):
            found = {"name": param.name}
            default = deploy_time_eval(param.kwargs.get("default"))
            if default:  # <-- here
                found["default"] = default
            return found
        """)),
        Example("or nothing", compiler("""\
        def entry(param):
            default = param.kwargs.get("default") or None  # <-- here
            return {"name": param.name, "default": default}
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no default of a parameter is read")
        for program in programs(analysis):
            for node in program.nodes(ast.Compare):
                if _asks_for_none(program, node):
                    verdict.ok(program.place(node), "a default is asked whether it is None")
            for test in _dropped(program):
                text = "a default of 0, False or an empty text is taken for none"
                verdict.fail(program.place(test), text, _FIX)


def _dropped(program: Program) -> Iterator[ast.expr]:
    """Where something hangs on the truth of a default that is used there."""
    for either in program.nodes(ast.BoolOp):
        match either:
            case ast.BoolOp(op=ast.Or(), values=[first, ast.Constant(value=None)]):
                if _is_default(first):
                    yield either
            case _:
                pass
    for branch in (*program.nodes(ast.If), *program.nodes(ast.IfExp)):
        match branch:
            case ast.If(test=ast.Name(id=name) as test, body=body):
                used = any(name in names(s) for s in body)
            case ast.IfExp(test=ast.Name(id=name) as test, body=body):
                used = name in names(body)
            case _:
                continue
        _, *given = made_of(program, test)
        if used and len(given) == 1 and any(map(_is_default, walk(given[0]))):
            yield test


def _asks_for_none(program: Program, node: ast.Compare) -> bool:
    match node:
        case ast.Compare(left=ast.Name() as asked, comparators=[ast.Constant(value=None)]):
            return any(_is_default(n) for made in made_of(program, asked) for n in walk(made))
        case _:
            return False


def _is_default(node: ast.AST) -> bool:
    """``param.kwargs.get("default")`` or ``param.kwargs["default"]``."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Attribute(attr="kwargs"), attr="get"), args=[key, *_]
        ):
            return literal(key) == "default"
        case ast.Subscript(value=ast.Attribute(attr="kwargs"), slice=key):
            return literal(key) == "default"
        case _:
            return False
