"""What the validator says: findings, and the outcome of each rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum

from metaflow_orchestrator_kit.validate.records import field, record
from metaflow_orchestrator_kit.validate.sources import Skipped


class Verdict(Enum):
    """What a rule concluded."""

    PASS = "pass"
    FAIL = "fail"
    UNSURE = "unsure"
    NOT_APPLICABLE = "not-applicable"
    ACCEPTED = "accepted"
    """There are findings, and the author has said of all of them that they may stay."""


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


class Confidence(Enum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for low, up to 2 for high."""
        return ("low", "medium", "high").index(self.value)


@record()
class Edit:
    """New text for a stretch of a file; lines and columns (in characters) count from 1."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@record()
class Fix:
    """The edits that repair one finding.

    ``safe`` says that nothing else changes for whoever runs the code. An unsafe fix is certain to
    silence the finding, and chooses something for the author, such as how long a timeout is.
    """

    edits: tuple[Edit, ...]
    safe: bool = True


@record()
class Finding:
    """A clause that is broken, and where. Paths are relative to the directory validated."""

    code: str
    name: str
    clauses: tuple[str, ...]
    severity: Severity
    confidence: Confidence
    path: str
    line: int
    column: int
    end_line: int
    message: str
    help: str
    fix: Fix | None = None
    """The change that the validator can make by itself."""

    @property
    def fixable(self) -> bool:
        """Whether ``--fix`` repairs it, with ``--unsafe-fixes`` where that is needed."""
        return self.fix is not None


@record()
class Note:
    """Something seen at a place: evidence for a pass, or what could not be followed."""

    path: str
    line: int
    text: str


@record()
class Outcome:
    """What one rule concluded, and from what."""

    code: str
    name: str
    clauses: tuple[str, ...]
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    evidence: tuple[Note, ...] = ()
    unsure: tuple[Note, ...] = ()
    accepted: tuple[Finding, ...] = ()
    """Findings that a comment or the baseline lets pass."""


@record()
class Report:
    """Everything that one run of the validator has to say."""

    directory: str
    outcomes: tuple[Outcome, ...]
    skipped: tuple[Skipped, ...]
    lost: tuple[str, ...] = ()
    """Functions that the model gave up on; rules may be unsure because of them."""
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The text of the files that have findings, by path."""
    remarks: tuple[str, ...] = ()
    """What there is to say about the run itself, such as a baseline that could shrink."""

    @property
    def findings(self) -> Sequence[Finding]:
        found = [f for outcome in self.outcomes for f in outcome.findings]
        return sorted(found, key=lambda f: (f.path, f.line, f.column, f.code))

    @property
    def accepted(self) -> Sequence[Finding]:
        """The findings that the author lets pass."""
        return [f for outcome in self.outcomes for f in outcome.accepted]

    def line(self, finding: Finding) -> str | None:
        """The text of the line that a finding points at; None where there is none."""
        lines = self.lines.get(finding.path, ())
        return lines[finding.line - 1] if 0 < finding.line <= len(lines) else None

    @property
    def counts(self) -> Mapping[Verdict, int]:
        return Counter(outcome.verdict for outcome in self.outcomes)
