from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.answers import Answers
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_file

_FAILED = regex(r"fail|err|abort|cancel|terminat|crash|kill|timed?_?out|dead|lost|stop", re.I)
_ENDED = regex(r"abort|cancel|terminat|kill|stop|revoke|delet|halt", re.I)
_ON = regex(r"^(?:running|pending|queued|unknown_?running)$", re.I)
_WELL = regex(r"succe|complete|finish|done", re.I)
_HEAD = """\
from metaflow.runner.deployer import TriggeredRun

class AcmeTriggeredRun(TriggeredRun):
    @property
    def status(self):  # <-- here
        state = client().state(self.name)
"""


class FailureUnreported(Rule):
    """The status of a run never says that it failed, or that it was ended.

    Every state that `status` does not know is told as RUNNING. When a word for a failed
    execution is missing, whoever waits for a run that broke waits for ever; when the word for a
    cancelled one is missing, `terminate()` is followed by a run that goes on for ever.

    Tell every last state of the scheduler as one of Metaflow's last states.
    """

    code = "MOK561"
    name = "failure-never-reported"
    clauses = ("L1",)
    severity = Severity.ERROR

    VALID = (
        Example("a failed state", objects_file(_HEAD.replace("  # <-- here", "") + """\
        if state == "error":
            return "FAILED"
        return "SUCCEEDED" if state == "done" else "RUNNING"
""")),
        Example("whatever the scheduler says", objects_file(_HEAD.replace("  # <-- here", "") + """\
        return "SUCCEEDED" if state == "done" else state.upper()
""")),
    )  # fmt: skip
    INVALID = (
        Example("done or running", objects_file(_HEAD + """\
        return "SUCCEEDED" if state == "done" else "RUNNING"
""")),
        Example("a table without one", objects_file(
            '_STATES = {"done": "SUCCEEDED", "queued": "PENDING"}\n'
            + _HEAD + '        return _STATES.get(state, "RUNNING")\n')),
        Example("ended runs go on", objects_file(_HEAD + """\
        return {"done": "SUCCEEDED", "error": "FAILED"}.get(state, "RUNNING")
    def terminate(self, **kwargs):
        return client().stop(self.name)
""")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for cls in objects.leaves(analysis.project, objects.TRIGGERED_RUN):
            member = objects.member(analysis.project, cls, "status")
            if member is None or not isinstance(member.node, objects.Function):
                continue
            if objects.refuses(member.node):
                continue
            answers = Answers(analysis.project, cls)
            told = answers.of(member.owner.module, member.node)
            if not told.complete or not any(_WELL.search(a) for a in told.texts):
                verdict.ok(member.origin, "the status is more than a few words of its own")
            elif not any(_FAILED.search(a) for a in told.texts):
                text = "`status` has no word for a run that failed: it is running for ever"
                verdict.fail(member.origin, text, "Answer FAILED for every failed state.")
            elif (
                told.default is not None
                and _ON.match(told.default)
                and not any(_ENDED.search(word) for word in told.known)
                and _ends(analysis, cls)
            ):
                text = f"a run that was ended is {told.default} for ever"
                verdict.fail(member.origin, text, "Answer FAILED for a cancelled execution too.")
            else:
                verdict.ok(member.origin, "failed runs are told")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no triggered run has a status")


def _ends(analysis: Analysis, cls: object) -> bool:
    """Whether a run can be ended through the object itself."""
    for found in objects.leaves(analysis.project, objects.TRIGGERED_RUN):
        if found is cls:
            method = objects.member(analysis.project, found, "terminate")
            return (
                method is not None
                and isinstance(method.node, ast.FunctionDef)
                and not objects.refuses(method.node)
            )
    return False
