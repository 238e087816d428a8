"""What the validator says: findings, and the outcome of each rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from metaflow_orchestrator_kit.validate.sources import Skipped


class Verdict(Enum):
    """What a rule concluded."""

    PASS = "pass"
    FAIL = "fail"
    UNSURE = "unsure"
    NOT_APPLICABLE = "not-applicable"


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


class Confidence(Enum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Note:
    """Something seen at a place: evidence for a pass, or what could not be followed."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule concluded, and from what."""

    code: str
    name: str
    clauses: tuple[str, ...]
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    evidence: tuple[Note, ...] = ()
    unsure: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one run of the validator has to say."""

    directory: str
    outcomes: tuple[Outcome, ...]
    skipped: tuple[Skipped, ...]
    lost: tuple[str, ...] = ()
    """Functions that the model gave up on; rules may be unsure because of them."""

    @property
    def findings(self) -> Sequence[Finding]:
        found = [f for outcome in self.outcomes for f in outcome.findings]
        return sorted(found, key=lambda f: (f.path, f.line, f.column, f.code))

    @property
    def counts(self) -> Mapping[Verdict, int]:
        return Counter(outcome.verdict for outcome in self.outcomes)
