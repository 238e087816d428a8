from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Judge, Rule
from metaflow_orchestrator_kit.validate.rules.task_variables import (
    judge_variables,
    set_by_nobody,
    set_for_tasks,
)


class TaskOwnerMissing(Rule):
    """The tasks are not told who deployed the flow.

    The default branch of `@project` is `user.<METAFLOW_OWNER>`. Without the variable a task takes
    its worker's user instead: its branch is another one than that of the deployment. Set
    METAFLOW_OWNER to the deploying user.
    """

    code = "MOK403"
    name = "task-owner-missing"
    clauses = ("G3", "J4")
    severity = Severity.WARNING

    VALID = set_for_tasks("METAFLOW_OWNER")
    INVALID = set_by_nobody("METAFLOW_OWNER")

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        judge_variables(
            analysis,
            verdict,
            ("METAFLOW_OWNER",),
            message="nothing sets METAFLOW_OWNER for the tasks",
            help="Set METAFLOW_OWNER to get_username() of create, for `init` and every step.",
        )
