from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place, nothing_launched
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import calls
from metaflow_orchestrator_kit.validate.rules.task_variables import written

HOOK = "get_runtime_environment"


class RuntimeNotNamed(Rule):
    """The tasks are not told which runtime they belong to.

    `metadata.get_runtime_environment("<type>")` answers variables that name it; without them every
    run carries the tag `runtime:dev`, as if somebody had started it by hand. Merge them into
    the environment of `init` and every step.
    """

    code = "MOK404"
    name = "runtime-not-named"
    clauses = ("G4",)
    severity = Severity.WARNING

    VALID = (
        Example("merged into the environment", compiler("""\
        def command(obj, node):
            env = dict(obj.metadata.get_runtime_environment("acme"))
            return ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"], env
        """)),
    )  # fmt: skip
    INVALID = (
        Example("not asked for", compiler("""\
        def command(obj, node):
            return ["python", "flow.py", "step", node, "--run-id", "r"]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        for module, call in calls(analysis, HOOK):
            verdict.ok(analysis.place(module, call), f"{HOOK}() is asked")
            return
        places = written(analysis, "METAFLOW_RUNTIME_NAME")
        if places:
            verdict.ok(places[0], "METAFLOW_RUNTIME_NAME is set")
            return
        verdict.fail(
            next(iter(by_place(analysis, "step"))),
            "the tasks are not told which runtime they belong to",
            f"Merge obj.metadata.{HOOK}(<type>) into the environment of `init` and every step.",
        )
