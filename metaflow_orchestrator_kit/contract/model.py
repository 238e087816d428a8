"""What a clause of the contract is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from metaflow_orchestrator_kit.capabilities import Cap

READ_AT = "d2dd7f953"
"""The commit of Netflix/metaflow that the sources of the clauses were read at."""

TRIED_ON = "2.19.38"
"""The Metaflow release that the clauses were tried on."""


class ContractError(ValueError):
    """The contract's data is malformed; the message names the file, the place and the fault."""


class UnknownClause(ValueError):
    """No clause or group has that id; the message says which ones there are."""


class Level(Enum):
    """How binding a clause is."""

    MUST = "MUST"
    MUST_NOT = "MUST NOT"
    SHOULD = "SHOULD"
    MAY = "MAY"

    @property
    def binding(self) -> bool:
        """Whether something that users see breaks where the clause is not kept."""
        return self in (Level.MUST, Level.MUST_NOT)

    @property
    def meaning(self) -> str:
        """What the word says in this contract, as one sentence."""
        return _MEANING[self]


_MEANING = {
    Level.MUST: "Where it is not kept, something that users see breaks.",
    Level.MUST_NOT: "Where it is done, something that users see breaks.",
    Level.SHOULD: "Portability or operation suffers without it.",
    Level.MAY: "A free choice, written down so that nobody wonders.",
}


class Evidence(Enum):
    """How a clause is known to hold."""

    TRIED = "tried"
    SOURCE = "source"
    HISTORY = "history"
    REPORTED = "reported"

    @property
    def meaning(self) -> str:
        """How far the evidence goes, as one sentence."""
        return _FOUND[self]


_FOUND = {
    Evidence.TRIED: f"Broken on purpose, at least in part, on Metaflow {TRIED_ON}, and seen.",
    Evidence.SOURCE: "Read in Metaflow's source, not tried.",
    Evidence.HISTORY: "Read off the history of Metaflow's releases.",
    Evidence.REPORTED: "Reported or inferred, not reproduced.",
}


@dataclass(frozen=True, slots=True)
class Clause:
    """One line of the contract between Metaflow and an orchestrator extension."""

    id: str
    level: Level
    title: str
    rule: str
    symptom: str | None
    """What a user sees where the clause is broken; None for a choice that breaks nothing."""
    source: tuple[str, ...]
    """Files of Metaflow's repository at :data:`READ_AT`, with lines: ``metaflow/util.py:3-9``."""
    since: str | None
    """The Metaflow release with which the rule holds as written; parts of it may be older."""
    evidence: Evidence

    @property
    def group(self) -> str:
        """The letter of its group."""
        return self.id[0]

    @property
    def capabilities(self) -> tuple[Cap, ...]:
        """The capabilities that rest on it; :class:`Cap` is the one place that says so."""
        return tuple(cap for cap in Cap if self.id in cap.clauses)


@dataclass(frozen=True, slots=True)
class Group:
    """The clauses on one topic."""

    letter: str
    title: str
    clauses: tuple[Clause, ...]
