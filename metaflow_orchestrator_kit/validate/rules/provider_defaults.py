from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place, nothing_launched
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import mentions
from metaflow_orchestrator_kit.validate.rules.task_variables import (
    copied,
    given_by_platform,
    written,
)

_NEEDED = ("METAFLOW_DEFAULT_DATASTORE", "METAFLOW_DEFAULT_METADATA")


class ProviderDefaultsMissing(Rule):
    """Code inside the tasks is not told which datastore and which metadata provider to use.

    The options of a command steer that command only. `Flow(...)`, cards, `IncludeFile` and `S3()`
    in a step use the defaults of the environment: on a worker with others, or with none, they
    look elsewhere. Set METAFLOW_DEFAULT_DATASTORE and METAFLOW_DEFAULT_METADATA for the tasks.
    """

    code = "MOK406"
    name = "provider-defaults-missing"
    clauses = ("G7",)
    severity = Severity.ERROR

    VALID = (
        Example("both", compiler("""\
        def command(obj, node):
            env = {"METAFLOW_DEFAULT_DATASTORE": obj.flow_datastore.TYPE}
            env["METAFLOW_DEFAULT_METADATA"] = obj.metadata.TYPE
            return ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"], env
        """)),
    )  # fmt: skip
    INVALID = (
        Example("neither", compiler("""\
        def command(obj, node):
            cmd = ["python", "flow.py", "--datastore", obj.flow_datastore.TYPE]
            return cmd + ["step", node, "--run-id", "r", "--task-id", "t"]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        place = next(iter(by_place(analysis, "step")))
        missing = [name for name in _NEEDED if not written(analysis, name)]
        named = [name for name in missing if mentions(analysis, name)]
        if not missing:
            verdict.ok(written(analysis, _NEEDED[0])[0], "the providers' defaults are set")
        elif (platform := given_by_platform(analysis)) is not None:
            verdict.unsure(platform, "what the job of the platform is given is not seen")
        elif (prefix := copied(analysis, *missing)) is not None:
            verdict.unsure(prefix, f"{missing[0]} is handed on where it is set at create")
        elif named:
            verdict.unsure(place, f"{named[0]} is named, but not seen to be set")
        else:
            verdict.fail(
                place,
                f"nothing sets {' and '.join(missing)} for code inside the tasks",
                "Set them to the TYPE of obj.flow_datastore and of obj.metadata, as at create.",
            )
