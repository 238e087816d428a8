"""Which mutants the gate tries: one per capability, drawn by lot once and for all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from mutant import Mutant
from mutants_trial import CASES, selected

CLOCK = 100.0
"""Seconds from which on a scenario mostly waits for a clock: too long for the gate."""


def waits_for_a_clock(mutant: Mutant) -> bool:
    """Whether trying it takes minutes, whatever the machine."""
    return any(case.scenario.expected > CLOCK for case in selected(mutant))


def sample(mutants: Iterable[Mutant]) -> tuple[Mutant, ...]:
    """One mutant for each capability that has any, by the smallest hash of its name.

    Nobody picks them, so nobody picks those that are known to be killed.
    """
    drawn: dict[str, Mutant] = {}
    for mutant in sorted(mutants, key=_lot):
        if not waits_for_a_clock(mutant):
            for case in mutant.kills:
                drawn.setdefault(CASES[case].cap.name, mutant)
    return tuple({mutant.id: mutant for mutant in drawn.values()}.values())


def _lot(mutant: Mutant) -> str:
    return hashlib.sha256(mutant.id.encode()).hexdigest()
