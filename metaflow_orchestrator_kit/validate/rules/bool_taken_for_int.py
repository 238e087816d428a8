from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

_FIX = "Ask for `bool` first."


class BoolTakenForInt(Rule):
    """A value is asked whether it is an `int` before it is asked whether it is a `bool`.

    In Python True is an int, so the branch for `bool` is never reached. A parameter with the
    default True becomes a whole number in what is generated: its form shows a field for numbers,
    and the run gets 1, or "1", or an error.
    """

    code = "MOK973"
    name = "bool-taken-for-int"
    clauses = ("E6", "D6")
    severity = Severity.ERROR

    VALID = (
        Example("bool first", compiler("""\
        def kind(value):
            if isinstance(value, bool):
                return "boolean"
            if isinstance(value, int):
                return "integer"
            return "string"
        """)),
        Example("different values", compiler("""\
        def same(a, b):
            if isinstance(a, int):
                return a
            if isinstance(b, bool):
                return b
        """)),
    )  # fmt: skip
    INVALID = (
        Example("one after the other", compiler("""\
        def kind(value):
            if isinstance(value, int):
                return "integer"
            if isinstance(value, bool):  # <-- here
                return "boolean"
            return "string"
        """)),
        Example("in a chain", compiler("""\
        def kind(param):
            if isinstance(param.default, (int, float)):
                name = "number"
            elif isinstance(param.default, bool):  # <-- here
                name = "boolean"
            else:
                name = "string"
            return name
        """)),
        Example("in one expression", compiler("""\
        def kind(value):
            return (
                "integer" if isinstance(value, int)
                else "boolean" if isinstance(value, bool)  # <-- here
                else "string"
            )
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for test in program.nodes(ast.If):
                asked = _asked(test.test, "bool")
                if asked is None:
                    continue
                if any(_asked(earlier.test, "int") == asked for earlier in _before(test, program)):
                    text = "this is never reached: a bool is an int, for which is asked before"
                    verdict.fail(program.place(test.test), text, _FIX)
                else:
                    verdict.ok(program.place(test.test), "bool is asked for first")
            for choice in program.nodes(ast.IfExp):
                asked = _asked(choice.test, "bool")
                if asked is None:
                    continue
                if any(_asked(t, "int") == asked for t in _refused(choice, program)):
                    text = "this is never chosen: a bool is an int, for which is asked before"
                    verdict.fail(program.place(choice.test), text, _FIX)
                else:
                    verdict.ok(program.place(choice.test), "bool is asked for first")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no value is asked whether it is a bool")


def _asked(test: ast.expr, kind: str) -> str | None:
    """What is asked whether it is of that type, and nothing else is asked."""
    match test:
        case ast.Call(func=ast.Name(id="isinstance"), args=[value, ast.Name(id=name)]):
            return ast.dump(value) if name == kind else None
        case ast.Call(func=ast.Name(id="isinstance"), args=[value, ast.Tuple(elts=[*kinds])]) if (
            kind == "int"
        ):
            names = {k.id for k in kinds if isinstance(k, ast.Name)}
            return ast.dump(value) if kind in names and "bool" not in names else None
        case _:
            return None


def _refused(choice: ast.IfExp, program: Program) -> list[ast.expr]:
    """What was asked, and answered with no, in the choices that this one ends."""
    found: list[ast.expr] = []
    inner: ast.AST = choice
    for outer in program.parents(choice):
        if not isinstance(outer, ast.IfExp) or outer.orelse is not inner:
            break
        found.append(outer.test)
        inner = outer
    return found


def _before(test: ast.If, program: Program) -> list[ast.If]:
    """The questions that were answered with no when this one is asked."""
    found: list[ast.If] = []
    inner: ast.AST = test
    for outer in program.parents(test):
        if isinstance(outer, ast.If) and outer.orelse == [inner]:
            found.append(outer)
            inner = outer
            continue
        body = getattr(outer, "body", [])
        if isinstance(body, list) and inner in body:
            found += [
                s
                for s in body[: body.index(inner)]
                if isinstance(s, ast.If)
                and not s.orelse
                and isinstance(s.body[-1], ast.Return | ast.Continue | ast.Raise)
            ]
        break
    return found
