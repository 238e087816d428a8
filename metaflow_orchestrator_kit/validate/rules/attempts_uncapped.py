from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.error_retries import HOOK, uses_second
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.per_place import broken, kept_for_each
from metaflow_orchestrator_kit.validate.rules.syntax import calls, terminal, words_of
from metaflow_orchestrator_kit.validate.walking import walk

_CAPS = frozenset([5, 6])


class AttemptsUncapped(Rule):
    """User and error retries are added up, and the sum has no limit.

    `@retry(times=4)` and `@catch` together ask for eight attempts; Metaflow refuses the seventh
    with "Too many task attempts". Schedule no more than MAX_ATTEMPTS of `metaflow_config`.
    """

    code = "MOK454"
    name = "attempts-uncapped"
    clauses = ("H4",)
    severity = Severity.WARNING

    VALID = (
        Example("capped", compiler("""\
        from metaflow.metaflow_config import MAX_ATTEMPTS
        def attempts(deco):
            user, error = deco.step_task_retry_count()
            return min(1 + user + error, MAX_ATTEMPTS)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("not capped", compiler("""\
        def attempts(deco):
            user, error = deco.step_task_retry_count()  # <-- here
            return 1 + user + error
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("user and error retries are not added up")
        adding = [pair for pair in calls(analysis, HOOK) if uses_second(analysis, pair[1])]
        capped = kept_for_each(analysis, [call for _, call in adding], _caps)
        for number in broken(capped):
            verdict.fail(
                analysis.place(*adding[number]),
                "the number of attempts has no limit",
                "Take min(1 + user + error, MAX_ATTEMPTS).",
                confidence=Confidence.MEDIUM,
            )
        for pair, is_capped in zip(adding, capped, strict=True):
            if is_capped:
                verdict.ok(analysis.place(*pair), "the number of attempts has a limit")


def _caps(code: ast.AST) -> bool:
    """Whether something is limited by ``MAX_ATTEMPTS``, or by ``min(..., 6)``."""
    return "MAX_ATTEMPTS" in words_of(code) or any(
        isinstance(node, ast.Call)
        and terminal(node.func) == "min"
        and any(isinstance(a, ast.Constant) and a.value in _CAPS for a in node.args)
        for node in walk(code)
    )
