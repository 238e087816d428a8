from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import calls, mentions
from metaflow_orchestrator_kit.validate.rules.task_variables import given_by_platform, written

_NEEDED = (
    "METAFLOW_CODE_URL",
    "METAFLOW_CODE_SHA",
    "METAFLOW_CODE_DS",
    "METAFLOW_CODE_METADATA",
)
#: Calls that upload a package or put it into a task.
_PACKAGED = ("MetaflowPackage", "get_package_commands")


class CodePackageUnknownToTasks(Rule):
    """A code package is made, but the tasks are not told which.

    Tasks register the package that METAFLOW_CODE_URL, _SHA, _DS and _METADATA name. Without them
    `Run.code` and `Task.code` are None, and nobody can get back the code that ran. Set all
    four for `init` and every step.
    """

    code = "MOK405"
    name = "code-package-unknown-to-tasks"
    clauses = ("G5",)
    severity = Severity.ERROR

    VALID = (
        Example("all four", compiler("""\
        from metaflow.package import MetaflowPackage
        def command(flow, node, url, sha):
            package = MetaflowPackage(flow)
            env = {"METAFLOW_CODE_URL": url, "METAFLOW_CODE_SHA": sha, "METAFLOW_CODE_DS": "s3"}
            env["METAFLOW_CODE_METADATA"] = package.package_metadata
            return ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"], env
        """)),
    )  # fmt: skip
    INVALID = (
        Example("none", compiler("""\
        from metaflow.package import MetaflowPackage
        def command(flow, node):
            package = MetaflowPackage(flow)
            return ["python", "flow.py", "step", node, "--run-id", "r"], package  # <-- here
        """)),
        Example("the metadata forgotten", compiler("""\
        from metaflow.package import MetaflowPackage
        def command(flow, node, url, sha):
            package = MetaflowPackage(flow)
            env = {"METAFLOW_CODE_URL": url, "METAFLOW_CODE_SHA": sha, "METAFLOW_CODE_DS": "s3"}
            return ["python", "flow.py", "step", node, "--run-id", "r"], env  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        made = next(calls(analysis, *_PACKAGED), None)
        places = by_place(analysis, "step")
        if made is None or not places:
            verdict.not_applicable("no code package is made, or no step is started")
            return
        missing = [name for name in _NEEDED if not written(analysis, name)]
        named = [name for name in missing if mentions(analysis, name)]
        if not missing:
            verdict.ok(analysis.place(*made), "the tasks are told of the code package")
        elif (platform := given_by_platform(analysis)) is not None:
            verdict.unsure(platform, "what the job of the platform is given is not seen")
        elif named:
            verdict.unsure(analysis.place(*made), f"{named[0]} is named, but not seen to be set")
        else:
            verdict.fail(
                next(iter(places)),
                f"a code package is made, but nothing sets {', '.join(missing)} for the tasks",
                "Set the four METAFLOW_CODE_ variables for `init` and every step.",
            )
