"""What a rule is, and how it says what it found."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import ClassVar

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import (
    Confidence,
    Finding,
    Fix,
    Note,
    Outcome,
    Severity,
    Verdict,
)
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.records import field, record

MARK = "# <-- here"
"""What the line that a finding points at ends in, in a bad example."""


@record()
class Example:
    """A small extension: what it shows, and the files that differ from the usual ones.

    ``files`` maps a path below the repository root to its text. In a bad example the line that
    the finding should point at ends in ``# <-- here``.
    """

    title: str
    files: Mapping[str, str]


class Rule:
    """One check of one promise. The docstring of a rule says what, why and how to fix."""

    code: ClassVar[str]
    name: ClassVar[str]
    clauses: ClassVar[tuple[str, ...]]
    severity: ClassVar[Severity] = Severity.ERROR
    VALID: ClassVar[tuple[Example, ...]] = ()
    INVALID: ClassVar[tuple[Example, ...]] = ()

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        """Look at *analysis* and tell *verdict* what was seen."""
        raise NotImplementedError

    def run(self, analysis: Analysis) -> Outcome:
        """The outcome of this rule."""
        judge = Judge(type(self))
        self.check(analysis, judge)
        return judge.outcome()


@record(frozen=False)
class Judge:
    """Collects what a rule saw and concludes: a pass needs evidence, silence is no pass."""

    rule: type[Rule]
    findings: list[Finding] = field(default_factory=list)
    evidence: list[Note] = field(default_factory=list)
    doubts: list[Note] = field(default_factory=list)
    inapplicable: Note | None = None
    _said: set[Hashable] = field(default_factory=set)

    def fail(
        self,
        where: Origin | None,
        message: str,
        help: str,
        *,
        severity: Severity | None = None,
        confidence: Confidence = Confidence.HIGH,
        fix: Fix | None = None,
    ) -> None:
        """Report a broken clause at *where* (None: the directory as a whole)."""
        origin = where or Origin(".", 1, 1, 1)
        finding = Finding(
            self.rule.code, self.rule.name, self.rule.clauses, severity or self.rule.severity,
            confidence, origin.path, origin.line, origin.column, origin.end_line, message, help,
            fix,
        )  # fmt: skip
        if self._is_new(("fail", finding.path, finding.line, finding.message)):
            self.findings.append(finding)

    def ok(self, where: Origin | None, text: str) -> None:
        """Record evidence that the promise is kept."""
        self._note(self.evidence, "ok", where, text)

    def unsure(self, where: Origin | None, text: str) -> None:
        """Record what could not be followed."""
        self._note(self.doubts, "unsure", where, text)

    def _note(self, notes: list[Note], kind: str, where: Origin | None, text: str) -> None:
        origin = where or Origin(".", 1, 1, 1)
        if self._is_new((kind, origin.path, origin.line, text)):
            notes.append(Note(origin.path, origin.line, text))

    def _is_new(self, said: Hashable) -> bool:
        """Whether this was not said before; a large project has thousands of places."""
        if said in self._said:
            return False
        self._said.add(said)
        return True

    def not_applicable(self, text: str) -> None:
        self.inapplicable = Note(".", 1, text)

    def outcome(self) -> Outcome:
        verdict = Verdict.UNSURE
        doubts = list(self.doubts)
        if self.findings:
            verdict = Verdict.FAIL
        elif doubts:
            verdict = Verdict.UNSURE
        elif self.evidence:
            verdict = Verdict.PASS
        elif self.inapplicable is not None:
            verdict = Verdict.NOT_APPLICABLE
            self.evidence.append(self.inapplicable)
        else:
            doubts.append(Note(".", 1, "nothing was found to judge this by"))
        return Outcome(
            self.rule.code, self.rule.name, self.rule.clauses, verdict,
            tuple(self.findings), tuple(self.evidence), tuple(doubts),
        )  # fmt: skip
