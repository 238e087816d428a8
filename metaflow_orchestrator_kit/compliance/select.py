"""Which cases run, which flows are probed, what is left out and why. Pure: no Metaflow."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from metaflow_orchestrator_kit.capabilities import REQUIRED, Cap, parse_all
from metaflow_orchestrator_kit.compliance.case import Case, Need

UPSTREAM = "METAFLOW_UX"
"""The group of Metaflow's own tests, which observe by themselves and are none of the cases."""

UPSTREAM_CASE = "metaflow-ux-"
"""How the name of each of them begins."""

GROUND = "linear"
"""The scenario of a plain chain of steps: where it fails, the others tell nothing new."""


class Fate(Enum):
    """What happens to a case."""

    RUN = "run"
    PROBE = "probe"
    """Only deploy its flow, which has to be refused."""
    DISABLED = "disabled"
    NOT_SELECTED = "not selected"


@dataclass(frozen=True, slots=True)
class Planned:
    """A case, what happens to it, and why if it does not simply run."""

    case: Case
    fate: Fate
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to every case there is."""

    planned: tuple[Planned, ...]
    capabilities: frozenset[Cap]
    """What the scheduler is taken to support."""
    declared: bool
    """Whether the extension says so itself."""

    def of(self, case_id: str) -> Planned | None:
        """The plan for one case."""
        return next((one for one in self.planned if one.case.id == case_id), None)

    @property
    def ground(self) -> Case | None:
        """The case that speaks for the plainest scenario; None where that does not run."""
        return next(
            (
                self.leader(one.case)
                for one in self.planned
                if one.fate is Fate.RUN and one.case.scenario.id == GROUND
            ),
            None,
        )

    def leader(self, case: Case) -> Case:
        """The case that speaks for its scenario when the scenario itself goes wrong.

        The others that look at the same scenario are blocked then, not red as well.
        """
        same = [
            one.case
            for one in self.planned
            if one.fate is Fate.RUN
            and one.case.scenario.id == case.scenario.id
            and not one.case.sees_errors
        ]
        return next((one for one in same if one.cap in one.scenario.caps), (same or [case])[0])


def select(
    declaration: Sequence[str] | None,
    requested: Iterable[Cap] | None,
    cases: Sequence[Case],
    only: Sequence[str] = (),
    granted: Collection[Need] = (),
) -> Plan:
    """The plan for the cases.

    Args:
        declaration: what the extension says it supports; None when it says nothing.
        requested: replaces the declaration, when it is not None.
        cases: all there are.
        only: ids of cases and names of capabilities; empty means everything. Metaflow's own
            tests may be among them, which leave out all cases.
        granted: what cases may need beside capabilities. A large one that ``only`` names by
            its id is asked for as well.

    What is required of every orchestrator runs whether declared or not. An optional
    capability that a declaration leaves out is probed: its flow must be refused (C10).
    Without a declaration nothing optional is claimed, so nothing is probed either.

    Raises:
        ValueError: the declaration or ``only`` has a name that does not exist.
    """
    if requested is not None:
        supported, probing = frozenset(requested), False
        missing = "is not in --capabilities"
    elif declaration is not None:
        supported, probing = parse_all(declaration) | frozenset(REQUIRED), True
        missing = "is not declared by the extension, and its absence cannot be probed"
    else:
        supported, probing = frozenset(REQUIRED), False
        missing = "is optional and the extension declares nothing; ask with --capabilities"
    wanted = _names(only, cases)
    planned = tuple(
        _granted(_plan(case, supported, probing, missing, wanted), granted, wanted)
        for case in cases
    )
    return Plan(planned, supported, declared=requested is None and declaration is not None)


def _plan(
    case: Case, supported: frozenset[Cap], probing: bool, missing: str, wanted: frozenset[str]
) -> Planned:
    if wanted and wanted.isdisjoint({case.id, case.cap.name, case.group}):
        return Planned(case, Fate.NOT_SELECTED, "not in --select")
    absent = [cap for cap in (case.cap, *case.scenario.caps) if cap not in supported]
    if not absent:
        return Planned(case, Fate.RUN)
    first = absent[0]
    if probing and first is case.cap and first in case.scenario.caps:
        return Planned(case, Fate.PROBE, f"{first.name} is not declared: must be refused")
    return Planned(case, Fate.DISABLED, f"{first.name} {missing}")


def _granted(planned: Planned, granted: Collection[Need], wanted: frozenset[str]) -> Planned:
    """The same, unless the case would run and lacks what it needs for that."""
    case = planned.case
    named = case.need in (Need.LARGE, Need.MICROMAMBA) and case.id in wanted
    if planned.fate is not Fate.RUN or case.need is None or case.need in granted or named:
        return planned
    return Planned(case, Fate.DISABLED, case.need.reason)


def _names(only: Sequence[str], cases: Sequence[Case]) -> frozenset[str]:
    """Ids, and names of capabilities and groups, as they are written in the code."""
    ids = {case.id for case in cases}
    caps = {UPSTREAM, *(cap.name for cap in Cap), *(case.group for case in cases if case.group)}
    found: set[str] = set()
    for name in only:
        constant = name.strip().upper().replace("-", "_")
        if name.strip() in ids or name.strip().startswith(UPSTREAM_CASE):
            found.add(name.strip())
        elif constant in caps:
            found.add(constant)
        else:
            close = difflib.get_close_matches(name, [*ids, *caps], n=3, cutoff=0.5)
            hint = f" Did you mean {', '.join(close)}?" if close else " --list shows them all."
            raise ValueError(f"There is no case and no capability '{name}'.{hint}")
    return frozenset(found)
