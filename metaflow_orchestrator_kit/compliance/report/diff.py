"""What changed from one report to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from metaflow_orchestrator_kit.compliance.report.document import Document
from metaflow_orchestrator_kit.compliance.verdict import RED, Verdict

_GREEN = frozenset({Verdict.PASSED, Verdict.REFUSED})


@dataclass(frozen=True, slots=True)
class Change:
    """A case whose verdict differs; None where a report does not have it."""

    case: str
    old: Verdict | None
    new: Verdict | None

    @property
    def kind(self) -> str:
        """``worse``, ``better``, ``new``, ``gone`` or ``other``.

        What held and is not known to hold any more is worse, even if it only did not run.
        """
        if self.new is None:
            return "worse" if self.old in _GREEN else "gone"
        if self.new in RED and self.old not in RED:
            return "worse"
        if self.old in _GREEN and self.new not in _GREEN:
            return "worse"
        if self.old is None:
            return "new"
        return "better" if self.new in _GREEN and self.old not in _GREEN else "other"

    def __str__(self) -> str:
        old = self.old.value if self.old else "not there"
        new = self.new.value if self.new else "not there"
        return f"{self.kind:<7}{self.case}: {old} -> {new}"


def changes(old: Document, new: Document) -> list[Change]:
    """The cases whose verdict differs, the worse ones first."""
    before, after = _verdicts(old), _verdicts(new)
    found = [
        Change(case, before.get(case), after.get(case))
        for case in {**before, **after}
        if before.get(case) is not after.get(case)
    ]
    order = ["worse", "better", "new", "gone", "other"]
    return sorted(found, key=lambda change: order.index(change.kind))


def surroundings(old: Document, new: Document) -> Iterator[str]:
    """What was tested in a different way: versions, extension, capabilities."""
    for key in ("kit", "metaflow", "python", "platform", "capabilities"):
        if old.get(key) != new.get(key):
            yield f"{key}: {_words(old.get(key))} -> {_words(new.get(key))}"
    for key in ("type", "distribution"):
        before, after = old["extension"].get(key), new["extension"].get(key)
        if before != after:
            yield f"extension: {before} -> {after}"


def _verdicts(report: Document) -> dict[str, Verdict]:
    return {case["case"]: Verdict(case["verdict"]) for case in report["cases"]}


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
