"""The verdicts, what they mean together, and the exit code that follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum, IntEnum
from typing import Any

from metaflow_orchestrator_kit.compliance.case import Case


class Verdict(Enum):
    """What became of a case; every case gets exactly one."""

    PASSED = "passed"
    FAILED = "failed"
    REFUSED = "refused"
    """Not declared, and deploying it was refused with "not supported": as it should be."""
    KNOWN_FAILURE = "known-failure"
    FIXED = "fixed"
    """Listed as a known failure, but it passed: the list is out of date."""
    BLOCKED = "blocked"
    """Something that it needs has failed before; fix that first."""
    DISABLED = "disabled"
    """It does not apply: its capability is not asked for, or there is nothing to probe."""
    ERROR = "error"
    """The kit's own fault, or its surroundings'; says nothing about the scheduler."""
    NOT_RUN = "not-run"


RAN = frozenset(
    {
        Verdict.PASSED,
        Verdict.FAILED,
        Verdict.REFUSED,
        Verdict.KNOWN_FAILURE,
        Verdict.FIXED,
    }
)
"""The verdicts that say something about the scheduler."""

RED = frozenset({Verdict.FAILED, Verdict.FIXED, Verdict.BLOCKED, Verdict.ERROR})
"""The verdicts of which one is enough for the whole to be red."""


class Exit(IntEnum):
    """The exit codes of ``metaflow-orchestrator-test``."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    NOTHING_RAN = 3


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one case."""

    case: str
    cap: str
    clauses: tuple[str, ...]
    scenario: str
    promise: str
    required: bool
    verdict: Verdict
    message: str = ""
    """Why: the failure's text, the reason for not running; empty for a pass."""
    seconds: float = 0.0
    evidence: str = ""
    selected: bool = True
    """Whether it was asked for; what ``--select`` leaves out was not."""

    @classmethod
    def of(cls, case: Case, verdict: Verdict, **more: Any) -> Result:
        """The result of a case."""
        return cls(
            case=case.id,
            cap=case.cap.name,
            clauses=case.clauses,
            scenario=case.scenario.id,
            promise=case.promise,
            required=case.required,
            verdict=verdict,
            **more,
        )

    def to_json(self) -> dict[str, Any]:
        """The result as plain JSON values."""
        return {**asdict(self), "verdict": self.verdict.value, "clauses": list(self.clauses)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Result:
        """The result that :meth:`to_json` described."""
        plain = {**value, "verdict": Verdict(value["verdict"]), "clauses": tuple(value["clauses"])}
        return cls(**plain)


def count(results: Iterable[Result]) -> dict[Verdict, int]:
    """How often each verdict was given; every verdict is there, also with zero."""
    counted = Counter(result.verdict for result in results)
    return {verdict: counted[verdict] for verdict in Verdict}


def exit_code(results: Iterable[Result]) -> Exit:
    """Passed only when every case that was asked for and applies ran, and none is red."""
    asked = [result for result in results if result.selected]
    if not any(result.verdict in RAN or result.verdict is Verdict.ERROR for result in asked):
        return Exit.NOTHING_RAN
    if any(result.verdict in RED or result.verdict is Verdict.NOT_RUN for result in asked):
        return Exit.FAILED
    return Exit.PASSED
