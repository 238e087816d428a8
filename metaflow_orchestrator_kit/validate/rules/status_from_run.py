from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import called
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_file
from metaflow_orchestrator_kit.validate.walking import walk

_READS = {"finished", "successful", "finished_at"}
_PLAIN = {"str", "bool", "getattr", "hasattr", "isinstance", "property", "upper", "lower"}
_FIX = (
    "Ask the scheduler for the state of the execution first, and report Failed, Timed_out or "
    "Aborted as soon as it does; the Metaflow run can only add to that."
)
_HEAD = """\
from metaflow.runner.deployer import TriggeredRun

class AcmeTriggeredRun(TriggeredRun):
    @property
    def status(self):  # <-- here
"""


class StatusFromRun(Rule):
    """The status of a triggered run is read from the Metaflow run alone.

    `Run.finished` becomes True with the `end` step; for a run that failed it never does. A client
    that polls `status` sees RUNNING for ever, or PENDING when the run failed before `init`. The
    scheduler knows that its execution is over: ask it.
    """

    code = "MOK521"
    name = "status-from-metaflow-run"
    clauses = ("L1",)
    severity = Severity.ERROR

    VALID = (
        Example("the scheduler is asked", objects_file(_HEAD.replace("  # <-- here", "") + """\
        state = client().state(self.name)
        if state == "error":
            return "FAILED"
        return "SUCCEEDED" if self.run and self.run.successful else "RUNNING"
""")),
        Example("by a helper", objects_file(_HEAD.replace("  # <-- here", "") + """\
        if self._execution_failed():
            return "FAILED"
        return "SUCCEEDED" if self.run.finished else "RUNNING"
""")),
    )  # fmt: skip
    INVALID = (
        Example("finished and successful", objects_file(_HEAD + """\
        run = self.run
        if run is None:
            return "PENDING"
        if run.successful:
            return "SUCCEEDED"
        return "FAILED" if run.finished else "RUNNING"
""")),
        Example("only finished", objects_file(_HEAD + """\
        return "Succeeded" if self.run and self.run.finished else "Running"
""")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for cls in objects.leaves(analysis.project, objects.TRIGGERED_RUN):
            member = objects.member(analysis.project, cls, "status")
            if member is None or not isinstance(member.node, objects.Function):
                continue
            reads = {n.attr for n in walk(member.node) if isinstance(n, ast.Attribute)}
            calls = {called(n) for n in walk(member.node) if isinstance(n, ast.Call)}
            if calls - _PLAIN or not reads & _READS:
                verdict.ok(member.origin, "the status has another source than the Metaflow run")
                continue
            text = "`status` knows only the Metaflow run, and that never ends when it failed"
            verdict.fail(member.origin, text, _FIX)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no triggered run has a status")
