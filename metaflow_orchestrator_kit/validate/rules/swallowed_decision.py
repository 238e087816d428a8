from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.project import dotted
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.walking import walk

_DECIDES = ("_foreach_num_splits", "_transition", "_foreach_values", "_control_mapper_tasks")
_FIX = (
    "Let the error end the task: a width or a branch that cannot be read is a failed task, not "
    "one item and not the first branch."
)


class SwallowedDecision(Rule):
    """An error in reading a fan-out width or a chosen branch is swallowed.

    A broad `except` turns a missing artifact, a wrong datastore root or a renamed attribute into
    whatever the variable held before, None or "": the run goes on, green, and most of its work was
    not done. (A value that the handler itself makes up is reported by `guessed-decision`.) Let
    the error fail the task.
    """

    code = "MOK903"
    name = "decision-error-swallowed"
    clauses = ("F10", "F13", "I1")
    severity = Severity.ERROR

    VALID = (
        Example("the error goes on", compiler("""\
        def width(store):
            try:
                return int(store["_foreach_num_splits"])
            except Exception as error:
                raise RuntimeError("the width of the fan-out could not be read") from error
        """)),
        Example("no try at all", compiler("""\
        def branch(store):
            (chosen,) = store["_transition"][0]
            return chosen
        """)),
    )  # fmt: skip
    INVALID = (
        Example("nothing known", compiler("""\
        def branch(store):
            try:
                return store["_transition"][0][0]
            except Exception:  # <-- here
                return None
        """)),
        Example("the first branch", compiler("""\
        def branch(store, node):
            chosen = node.out_funcs[0]
            try:
                chosen = store["_transition"][0][0]
            except:  # <-- here
                pass
            return chosen
        """)),
        Example("in generated code", compiler('''\
        TEMPLATE = """
        count = 1
        try:
            count = int(store["_foreach_num_splits"])
        except Exception as error:  # <-- here
            print("Warning:", error)
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for node in program.nodes(ast.Constant, ast.Attribute):
                what = _decision(node)
                if what is None or program.is_text(node) or not _is_read(program, node):
                    continue
                handler = _swallower(program, node)
                if handler is None:
                    verdict.ok(program.place(node), f"an error in reading `{what}` is not hidden")
                    continue
                verdict.fail(
                    program.place(handler),
                    f"an error in reading `{what}` is swallowed, and the run goes on without it",
                    _FIX,
                )
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("nothing reads the width or the branch of a task")


def _decision(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=str(text)) if text in _DECIDES:
            return text
        case ast.Attribute(attr=name, ctx=ast.Load()) if name in _DECIDES:
            return name
        case _:
            return None


def _is_read(program: Program, node: ast.AST) -> bool:
    """Whether the name is used to get a value: subscripted, given to a call, or an attribute."""
    outer = next(program.parents(node), None)
    return isinstance(node, ast.Attribute) or isinstance(outer, ast.Subscript | ast.Call)


def _swallower(program: Program, node: ast.AST) -> ast.ExceptHandler | None:
    """The broad handler that hides an error at *node*."""
    inner: ast.AST = node
    for outer in program.parents(node):
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.While):
            return None  # A loop that tries again says what it does when it gives up.
        if isinstance(outer, ast.Try) and any(inner is s for s in outer.body):
            for handler in outer.handlers:
                if not _is_broad(handler):
                    continue
                return None if _leaves(handler) or _makes_up(handler) else handler
        inner = outer
    return None


def _is_broad(handler: ast.ExceptHandler) -> bool:
    names = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
    return any(n is None or (dotted(n) or "") in ("Exception", "BaseException") for n in names)


def _leaves(handler: ast.ExceptHandler) -> bool:
    """Whether the handler raises or ends the process, on every path that we can tell."""
    for node in walk(handler):
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Call) and re.search(r"exit$|fail$|abort$", dotted(node.func) or ""):
            return True
    return False


def _makes_up(handler: ast.ExceptHandler) -> bool:
    """Whether the handler puts a number, or the first of something, in its place."""
    for node in handler.body:
        if isinstance(node, ast.Return | ast.Assign):
            match node.value:
                case ast.Constant(value=int()) | ast.Subscript() | ast.Call():
                    return True
                case _:
                    pass
    return False
