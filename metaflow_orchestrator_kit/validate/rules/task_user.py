from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Judge, Rule
from metaflow_orchestrator_kit.validate.rules.task_variables import (
    judge_variables,
    set_by_nobody,
    set_for_tasks,
)


class TaskUserMissing(Rule):
    """No user name is set for the tasks.

    In a container that runs as root Metaflow "could not determine your user name", and the run
    never starts; elsewhere the worker's account owns the runs. Set METAFLOW_USER for `init` and
    every step, to the deploying user or to a name of the service.
    """

    code = "MOK401"
    name = "task-user-missing"
    clauses = ("G1",)
    severity = Severity.ERROR

    VALID = set_for_tasks("METAFLOW_USER")
    INVALID = set_by_nobody("METAFLOW_USER")

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        judge_variables(
            analysis,
            verdict,
            ("METAFLOW_USER", "USERNAME", "USER"),
            message="nothing sets METAFLOW_USER for the tasks",
            help="Set METAFLOW_USER in the environment of `init` and of every step.",
        )
