from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.error_retries import HOOK, reads_times
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import calls, mentions, nodes

_DELAY = "minutes_between_retries"


class RetryDelayIgnored(Rule):
    """Retries are scheduled, and `minutes_between_retries` is not read.

    `@retry` waits two minutes between attempts unless it is told otherwise. Without the delay a
    step that fails at once uses up its attempts within seconds, while the service that it needs
    restarts. Read the attribute; it may be a string or a fraction.
    """

    code = "MOK455"
    name = "retry-delay-ignored"
    clauses = ("H5",)
    severity = Severity.WARNING

    VALID = (
        Example("read", compiler("""\
        def policy(node):
            for deco in node.decorators:
                user, error = deco.step_task_retry_count()
                delay = float(deco.attributes.get("minutes_between_retries", 0))
                yield user + error, delay * 60
        """)),
    )  # fmt: skip
    INVALID = (
        Example("not read", compiler("""\
        def policy(node):
            for deco in node.decorators:
                user, error = deco.step_task_retry_count()  # <-- here
                yield user + error
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        places = [analysis.place(*pair) for pair in calls(analysis, HOOK)]
        if not places:
            found = nodes(analysis, ast.Call, ast.Subscript)
            places = [analysis.place(m, n) for m, n in found if reads_times(n)]
        if not places:
            verdict.not_applicable("nothing asks how often a step is to be retried")
        elif mentions(analysis, _DELAY):
            verdict.ok(places[0], f"{_DELAY} is read")
        else:
            verdict.fail(
                places[0],
                f"retries are scheduled without a delay: {_DELAY} is not read",
                f"Wait float(deco.attributes['{_DELAY}']) minutes between attempts.",
            )
