from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.error_retries import HOOK
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import calls, function_of, literal
from metaflow_orchestrator_kit.validate.walking import walk

_COMPARING = frozenset(["max", "sum", "min", "int"])


class RetryOptOutIgnored(Rule):
    """A decorator that forbids retries makes the deployment fail.

    `step_task_retry_count()` may answer `(None, None)`: no attempt but the first, whatever other
    decorators ask for. `max(0, None)` raises TypeError, and `create` ends with a traceback.
    Look for None before the numbers are compared.
    """

    code = "MOK457"
    name = "retry-opt-out-ignored"
    clauses = ("H4",)
    severity = Severity.ADVICE

    VALID = (
        Example("looked for", compiler("""\
        def attempts(node):
            user = 0
            for deco in node.decorators:
                count, error = deco.step_task_retry_count()
                if count is None:
                    return 1
                user = max(user, count)
            return 1 + user
        """)),
    )  # fmt: skip
    INVALID = (
        Example("compared as it is", compiler("""\
        def attempts(node):
            user = 0
            for deco in node.decorators:
                count, error = deco.step_task_retry_count()  # <-- here
                user = max(user, count)
            return 1 + user
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("the retries of decorators are not compared")
        for module, call in calls(analysis, HOOK):
            function = function_of(analysis, call)
            place = analysis.place(module, call)
            if function is None or not _compares(function):
                continue
            if _knows_none(function):
                verdict.ok(place, "a decorator may forbid retries")
            else:
                verdict.fail(
                    place,
                    f"{HOOK}() may answer (None, None), which is compared as a number",
                    "Schedule one attempt when a decorator answers None.",
                    confidence=Confidence.MEDIUM,
                )


def _compares(function: ast.AST) -> bool:
    return any(
        isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in _COMPARING
        for n in walk(function)
    )


def _knows_none(function: ast.AST) -> bool:
    """Whether it looks for None, replaces what is empty, or expects the error."""
    for node in walk(function):
        match node:
            case ast.Compare(comparators=comparators):
                if any(literal(c) is None for c in comparators):
                    return True
            case ast.BoolOp(op=ast.Or(), values=[*_, last]):
                if literal(last) in (0, (0, 0)) or isinstance(last, ast.Tuple):
                    return True
            case ast.ExceptHandler():
                return True
            case ast.If(test=ast.Name() | ast.UnaryOp(operand=ast.Name())):
                return True
            case _:
                pass
    return False
