from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Judge, Rule
from metaflow_orchestrator_kit.validate.rules.features import mentions
from metaflow_orchestrator_kit.validate.rules.task_variables import (
    judge_variables,
    set_by_nobody,
    set_for_tasks,
)

_TOKEN = r"production_token|new_token|authorize"


class ProductionTokenMissing(Rule):
    """The tasks are not given the production token.

    METAFLOW_PRODUCTION_TOKEN tags a run `production:<token>` and makes that the namespace of code
    in the tasks. Without it deployed runs belong to a person, and `Flow(...).latest_run` in a
    step looks in the wrong namespace. Set it for `init` and every step.
    """

    code = "MOK402"
    name = "production-token-missing"
    clauses = ("G2",)
    severity = Severity.ERROR

    VALID = set_for_tasks("METAFLOW_PRODUCTION_TOKEN")
    INVALID = set_by_nobody("METAFLOW_PRODUCTION_TOKEN")

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        judge_variables(
            analysis,
            verdict,
            ("METAFLOW_PRODUCTION_TOKEN",),
            message="nothing sets METAFLOW_PRODUCTION_TOKEN for the tasks",
            # Where deployments have no token at all, MOK132 says what comes first.
            severity=None if mentions(analysis, _TOKEN) else Severity.WARNING,
            help="Store the token at create; set METAFLOW_PRODUCTION_TOKEN for `init` and steps.",
        )
