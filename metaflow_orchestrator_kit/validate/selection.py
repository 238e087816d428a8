"""Which rules are asked, and which of their findings count."""

from __future__ import annotations

from collections.abc import Sequence

from metaflow_orchestrator_kit.validate.findings import Confidence, Note, Outcome, Verdict
from metaflow_orchestrator_kit.validate.records import replace
from metaflow_orchestrator_kit.validate.rules import Rule

#: Speaks up only when a file cannot be read; otherwise it does not count among the rules.
UNREADABLE = "MOK000"


class UnknownSelectorError(ValueError):
    """What was selected or ignored is no rule; the message names it and the way out."""


def selected(
    rules: Sequence[type[Rule]], select: Sequence[str], ignore: Sequence[str]
) -> list[type[Rule]]:
    """The rules that *select* names (all of them when it is empty) and *ignore* does not.

    What cannot be read is reported whatever is selected, unless it is ignored by name.

    Each selector is a code (``MOK006``), a name, a clause (``H1``) or a group of clauses (``H``).

    Raises:
        UnknownSelectorError: a selector fits no rule, or no rule is left.
    """
    wanted = {r for s in select for r in _matching(rules, s)} if select else set(rules)
    wanted |= {r for r in rules if r.code == UNREADABLE}
    left_out = {
        r
        for s in ignore
        for r in _matching(rules, s)
        if r.code != UNREADABLE or s.strip().upper() == UNREADABLE
    }
    chosen = [r for r in rules if r in wanted and r not in left_out]
    if all(r.code == UNREADABLE for r in chosen):
        raise UnknownSelectorError("Every rule that was selected is ignored; nothing is left.")
    return chosen


def _matching(rules: Sequence[type[Rule]], selector: str) -> list[type[Rule]]:
    asked = selector.strip()
    found = [
        rule
        for rule in rules
        if asked.upper() in (rule.code, *rule.clauses, *(c[0] for c in rule.clauses))
        or asked.lower() == rule.name
    ]
    if not found:
        raise UnknownSelectorError(
            f"'{asked}' is neither the code nor the name of a rule, nor a clause or group of "
            "clauses that one checks; see --list-rules."
        )
    return found


def confident(outcome: Outcome, least: Confidence) -> Outcome:
    """The outcome without its less certain findings: they make it unsure, and never a pass."""
    kept = tuple(f for f in outcome.findings if f.confidence.rank >= least.rank)
    if len(kept) == len(outcome.findings):
        return outcome
    doubts = tuple(
        Note(f.path, f.line, f"{f.message} ({f.confidence.value} confidence)")
        for f in outcome.findings
        if f.confidence.rank < least.rank
    )
    verdict = Verdict.FAIL if kept else Verdict.UNSURE
    return replace(outcome, verdict=verdict, findings=kept, unsure=(*outcome.unsure, *doubts))
