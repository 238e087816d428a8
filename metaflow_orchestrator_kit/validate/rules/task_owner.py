from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.task_variables import judge_variables


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

    VALID = (
        Example("in the environment", compiler("""\
        def command(node, value):
            env = {"METAFLOW_OWNER": value}
            return ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"], env
        """)),
        Example("in a shell line", compiler("""\
        def command(node, value):
            step = f"python flow.py step {node} --run-id r --task-id t"
            return f"export METAFLOW_OWNER={value} && " + step
        """)),
    )  # fmt: skip
    INVALID = (
        Example("nowhere", compiler("""\
        def command(node):
            # METAFLOW_OWNER is set by somebody else
            return ["python", "flow.py", "step", node, "--run-id", "r"]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        judge_variables(
            analysis,
            verdict,
            ("METAFLOW_OWNER",),
            message="nothing sets METAFLOW_OWNER for the tasks",
            help="Set METAFLOW_OWNER to get_username() of create, for `init` and every step.",
        )
