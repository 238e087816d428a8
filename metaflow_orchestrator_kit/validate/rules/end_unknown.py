from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_module
from metaflow_orchestrator_kit.validate.rules.syntax import terminal
from metaflow_orchestrator_kit.validate.walking import walk

_FAILED = regex(r"^(?:failed|failure|error|errored|fail)$", 2)
_ENDED = regex(r"cancel|abort|kill|terminat|stop|revok|discard|delet", 2)
_STATE = regex(r"(?:^|_)(?:status|state|phase)$", 2)
_HEAD = """\

class AcmeTriggeredRun(TriggeredRun):
    @property
    def status(self):
        state = client().state(self.name)
"""


class EndUnknown(Rule):
    """`status` asks the scheduler whether a run failed, and not whether somebody ended it.

    A run that was cancelled in the scheduler's own interface never fails: it has another last
    state. For `status` it goes on as before, RUNNING or PENDING, and whoever waits for it waits
    for ever. Tell every last state of the scheduler as one of Metaflow's.
    """

    code = "MOK970"
    name = "cancelled-run-goes-on"
    clauses = ("L1",)
    severity = Severity.WARNING

    VALID = (
        Example("both", objects_module(_HEAD + """\
        if state == "failed":
            return "FAILED"
        if state in ("cancelled", "stopped"):
            return "ABORTED"
        return "SUCCEEDED" if self.run.successful else "RUNNING"
""")),
        Example("whatever has ended", objects_module(_HEAD + """\
        if state == "failed":
            return "FAILED"
        return state.upper()
""")),
    )  # fmt: skip
    INVALID = (
        Example("failed only", objects_module(_HEAD + """\
        if state == "failed":  # <-- here
            return "FAILED"
        run = self.run
        if run is None:
            return "PENDING"
        return "SUCCEEDED" if run.successful else "RUNNING"
""")),
        Example("one of several", objects_module(_HEAD + """\
        if state in ("error", "failed"):  # <-- here
            return "FAILED"
        if state == "success":
            return "SUCCEEDED"
        return "RUNNING"
""")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no status asks the scheduler whether a run failed")
        for cls in objects.leaves(analysis.project, objects.TRIGGERED_RUN):
            found = objects.member(analysis.project, cls, "status")
            if found is None or not isinstance(found.node, objects.Function):
                continue
            asked = list(_asked(found.node))
            failed = next((n for n, words in asked if any(map(_FAILED.match, words))), None)
            if failed is None:
                continue
            known = {w for _, words in asked for w in words}
            told = {
                n.value
                for n in walk(found.node)
                if isinstance(n, ast.Constant) and isinstance(n.value, str)
            }
            place = analysis.place(found.owner.module, failed)
            if any(map(_ENDED.search, known | told)) or not _ends_with_words(found.node):
                verdict.ok(place, "another end is told too, or the scheduler's own word is")
            else:
                verdict.fail(
                    place,
                    "a run that is cancelled in the scheduler is none of the ends known here",
                    "Answer one of the last states for every last state of the scheduler.",
                    confidence=Confidence.MEDIUM,
                )


def _asked(function: objects.Function) -> Iterator[tuple[ast.Compare, list[str]]]:
    """The comparisons of a state with words, and the words."""
    for node in walk(function):
        match node:
            case ast.Compare(left=left, ops=[ast.Eq() | ast.In()], comparators=[right]):
                if not _STATE.search(terminal(left)):
                    continue
                elements = (
                    right.elts if isinstance(right, ast.Tuple | ast.List | ast.Set) else [right]
                )
                words = [str(getattr(e, "value", "")) for e in elements]
                yield node, [w.lower() for w in words]
            case _:
                pass


def _ends_with_words(function: objects.Function) -> bool:
    """Whether every answer is a word of its own: what is not known is told as one of them."""
    answers = [n.value for n in walk(function) if isinstance(n, ast.Return)]
    return bool(answers) and all(_is_word(a) for a in answers)


def _is_word(node: ast.expr | None) -> bool:
    match node:
        case None | ast.Constant():
            return True
        case ast.IfExp(body=body, orelse=other):
            return _is_word(body) and _is_word(other)
        case _:
            return False
