from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.falsy_options import falsy_left_out
from metaflow_orchestrator_kit.validate.rules.flag_values import flag_values, unwrapped
from metaflow_orchestrator_kit.validate.rules.syntax import literal
from metaflow_orchestrator_kit.validate.walking import source

FLAG = "--split-index"
_FIX = "Ask `is not None` (or `>= 0`): the first item of a foreach has the index 0."


class FirstIndexDropped(Rule):
    """`--split-index` is left out where the index is 0.

    `if index:` is false for the first item of a foreach. That one task starts without its index
    and fails, or sees no `self.input`; all others work. Ask whether there is an index at all.
    """

    code = "MOK317"
    name = "first-index-dropped"
    clauses = ("F8",)
    severity = Severity.ERROR

    VALID = (
        Example("whether there is one", compiler("""\
        def command(node, index=None):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            if index is not None:
                cmd += ["--split-index", str(index)]
            return cmd
        """)),
        Example("text, of which only the empty one is false", compiler("""\
        def command(node, index: str):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            return cmd + (["--split-index", index] if index else [])
        """)),
    )  # fmt: skip
    INVALID = (
        Example("truth of a number", compiler("""\
        def command(node, index=None):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            if index:
                cmd += ["--split-index", str(index)]  # <-- here
            return cmd
        """)),
        Example("among all options", compiler("""\
        def command(node, index, attempt):
            options = {"run-id": "r", "split-index": index, "retry-count": attempt}
            cmd = ["python", "flow.py", "step", node]
            for name, value in options.items():
                if not value:  # <-- here
                    continue
                cmd += [f"--{name}", str(value)]
            return cmd
        """)),
        Example("greater than zero, in generated code", compiler('''\
        SOURCE = """
        import subprocess
        def run(node, index=-1):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            cmd += ["--split-index", str(index)] if index > 0 else []  # <-- here
            subprocess.run(cmd)
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no step is given `--split-index` under a condition")
        for place, text in falsy_left_out(analysis):
            verdict.fail(
                place, text, "Leave out None and False only: `if v is None or v is False`."
            )
        for program, value in flag_values(analysis, FLAG):
            # `x or None` drops the 0 where it stands, whatever is asked later.
            alternative = [v for v in (unwrapped(value),) if isinstance(v, ast.BoolOp)]
            for test in (*alternative, *_tests(program, value)):
                place = program.place(value)
                if _false_for_zero(program, test, value):
                    text = f"`{FLAG}` is left out when `{source(unwrapped(value))}` is 0"
                    verdict.fail(place, text, _FIX)
                else:
                    verdict.ok(place, "the index 0 is passed as well")


def _tests(program: Program, value: ast.expr) -> Iterator[ast.expr]:
    """The conditions that must hold for *value* to be passed."""
    inner: ast.AST = value
    for outer in program.parents(value):
        match outer:
            case ast.If(test=test, body=body) if any(s is inner for s in body):
                yield from _parts(test)
            case ast.IfExp(test=test, body=body) if body is inner:
                yield from _parts(test)
            case ast.BoolOp(op=ast.And(), values=values):
                yield from values[: next((i for i, v in enumerate(values) if v is inner), 0)]
            case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
                yield from _survived(body, inner)
                return
            case _:
                pass
        inner = outer


def _survived(body: list[ast.stmt], last: ast.AST) -> Iterator[ast.expr]:
    """What holds after ``if not x: return`` at the beginning of a function."""
    for statement in body:
        if statement is last:
            return
        match statement:
            case ast.If(
                test=ast.UnaryOp(op=ast.Not(), operand=asked), body=[ast.Return()], orelse=[]
            ):
                yield asked
            case _:
                pass


def _parts(test: ast.expr) -> list[ast.expr]:
    return test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]


def _false_for_zero(program: Program, test: ast.expr, value: ast.expr) -> bool:
    index = source(unwrapped(value))
    match test:
        # `x or None`, as the value itself.
        case ast.BoolOp(op=ast.Or(), values=[_, nothing]):
            return literal(nothing) is None
        case ast.Compare(left=left, ops=[ast.Gt()], comparators=[zero]):
            return source(left) == index and literal(zero) == 0
        case ast.Name() | ast.Attribute():
            return source(test) == index and _is_number(program, test, value)
        case _:
            return False


def _is_number(program: Program, test: ast.expr, value: ast.expr) -> bool:
    """Whether the index is a number: it is annotated so, or has to be made a string."""
    function = program.function(value)
    for arg in function.args.args if function is not None and isinstance(test, ast.Name) else ():
        if isinstance(test, ast.Name) and arg.arg == test.id and arg.annotation is not None:
            return "int" in source(arg.annotation) and "str" not in source(arg.annotation)
    return isinstance(value, ast.Call) and source(value.func) == "str"
