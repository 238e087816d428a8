from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import walk

#: Attributes of @retry and @resources whose defaults are texts: "3", "2", "1", "4096".
_TEXTS = {"times", "minutes_between_retries", "cpu", "memory"}
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv)
_NEEDS_NUMBERS = {"range", "timedelta", "sleep", "round"}


class TextAsNumber(Rule):
    """An attribute of a decorator is calculated with as if it were a number.

    The defaults of `@retry` and `@resources` are texts (`"3"`, `"2"`, `"4096"`), and so is what a
    user may give. `attributes["times"] + 1` raises TypeError for a plain `@retry`, and
    `60 * attributes["minutes_between_retries"]` is a text of sixty twos.

    Convert it: `int(float(value))`, or `float(value)` for cpu.
    """

    code = "MOK466"
    name = "text-taken-for-number"
    clauses = ("H5", "M1")
    severity = Severity.ERROR

    VALID = (
        Example("converted", compiler("""\
        def attempts(deco):
            return int(deco.attributes["times"]) + 1
        """)),
        Example("passed on", compiler("""\
        def request(deco):
            return {"memory": "%sM" % deco.attributes["memory"]}
        """)),
    )  # fmt: skip
    INVALID = (
        Example("one more", compiler("""\
        def attempts(deco):
            return deco.attributes["times"] + 1  # <-- here
        """)),
        Example("sixty times the text", compiler("""\
        def delay(deco):
            minutes = deco.attributes.get("minutes_between_retries", 2)
            return 60 * minutes  # <-- here
        """)),
        Example("a part of a processor", compiler("""\
        def request(deco):
            return {"cpu": int(deco.attributes["cpu"])}  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for node in program.nodes(ast.Subscript, ast.Call):
                key = _attribute(node)
                if key is None or not isinstance(node, ast.expr):
                    continue
                uses = _uses(program, node)
                wrong = [u for u in uses if _calculates(program, u)]
                cut = [u for u in uses if key == "cpu" and _is_int(program, u)]
                for use in wrong:
                    text = f"`{key}` may be a text, and is calculated with"
                    verdict.fail(program.place(use), text, "Convert it first: `float(...)`.")
                for use in cut:
                    text = '`int()` takes no cpu of "0.5", and makes none of 0.5'
                    verdict.fail(program.place(use), text, "Take `float(...)`.")
                if not wrong and not cut:
                    verdict.ok(program.place(node), f"`{key}` is converted or passed on")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no such attribute of a decorator is read")


def _attribute(node: ast.AST) -> str | None:
    """The key of ``deco.attributes[key]`` or ``deco.attributes.get(key, default)``."""
    match node:
        case ast.Subscript(value=holder, slice=index, ctx=ast.Load()):
            key = literal(index)
        case ast.Call(func=ast.Attribute(value=holder, attr="get"), args=[first, *_]):
            key = literal(first)
        case _:
            return None
    known = isinstance(key, str) and key in _TEXTS and terminal(holder) == "attributes"
    return str(key) if known and not isinstance(holder, ast.Call) else None


def _uses(program: Program, node: ast.expr) -> list[ast.expr]:
    """Where the value is used: right here, or through the one name that it is given."""
    outer = next(program.parents(node), None)
    function = program.function(node)
    match outer:
        case ast.BoolOp():
            return _uses(program, outer)
        case ast.Assign(targets=[ast.Name(id=name)]) if function is not None:
            names = [n for n in walk(function) if isinstance(n, ast.Name) and n.id == name]
            stores = [n for n in names if isinstance(n.ctx, ast.Store)]
            told = any(
                isinstance(n, ast.Call) and called(n) == "isinstance" for n in walk(function)
            )
            if len(stores) > 1 or told:
                return []
            return [n for n in names if isinstance(n.ctx, ast.Load)]
        case _:
            return [node]


def _calculates(program: Program, node: ast.expr) -> bool:
    match next(program.parents(node), None):
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _ARITHMETIC):
            other = right if left is node else left
            return isinstance(literal(other), int | float)
        case ast.Call() as call:
            return called(call) in _NEEDS_NUMBERS and node in call.args
        case ast.keyword(arg=name):
            return name in ("minutes", "seconds") and _in_timedelta(program, node)
        case _:
            return False


def _in_timedelta(program: Program, node: ast.expr) -> bool:
    return any(isinstance(o, ast.Call) and called(o) == "timedelta" for o in program.parents(node))


def _is_int(program: Program, node: ast.expr) -> bool:
    outer = next(program.parents(node), None)
    return isinstance(outer, ast.Call) and called(outer) == "int" and len(outer.args) == 1
