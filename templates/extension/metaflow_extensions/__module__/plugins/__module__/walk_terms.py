"""What a walker is told, what it answers, and what can be said of a run: the words of `walk`.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .identity import PARAMETERS_STEP


class State(Enum):
    """What can be said of a run as a whole."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Handout:
    """What a successful task decided for the rest of the run.

    The internal step decorator reads it from the live flow object (clauses F10, F13).

    Attributes:
        width: number of items, for a foreach step.
        chosen: name of the next step, for a switch step.
        mappers: ids of all tasks of the gang, for a @parallel step.
    """

    width: int | None = None
    chosen: str | None = None
    mappers: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Handout:
        """The hand-out that was written as JSON; absent keys stay undecided."""
        return cls(data.get("width"), data.get("chosen"), tuple(data.get("mappers") or ()))

    def to_dict(self) -> dict[str, Any]:
        """The hand-out as JSON-serialisable data."""
        return {"width": self.width, "chosen": self.chosen, "mappers": list(self.mappers)}


@dataclass(frozen=True, slots=True)
class TaskRef:
    """A task that can be somebody's input."""

    step: str
    task_id: str


@dataclass(frozen=True, slots=True)
class Launch:
    """One attempt to be made.

    Attributes:
        step: name of the step, or ``_parameters`` for the ``init`` command.
        task_id: the same for all attempts of the task (clause F2).
        attempt: 0-based, contiguous (clause H1).
        inputs: tasks whose artifacts are the input, in order; empty for ``init``.
        index: the foreach indices around the task, outermost first.
        split_index: value for ``--split-index``, for direct children of a foreach (clause F8).
        parallel: whether it is the control task of a @parallel gang (clause F17).
        delay: seconds to wait before starting it (clause H5).
        clone_of: id of the task in the origin run that is cloned instead of run (clause N3).
    """

    step: str
    task_id: str
    attempt: int = 0
    inputs: tuple[TaskRef, ...] = ()
    index: tuple[int, ...] = ()
    split_index: int | None = None
    parallel: bool = False
    delay: float = 0.0
    clone_of: str | None = None

    @property
    def is_init(self) -> bool:
        """Whether this is the ``init`` command that stores the parameters."""
        return self.step == PARAMETERS_STEP


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt's process ended; its exit code is the only judge of success (clause F20).

    Attributes:
        task_id: the task.
        attempt: which of its attempts.
        exit_code: of the process; negative for a signal.
        handout: what the task decided.
        note: what the exit code does not say, such as why there was no process at all.
    """

    task_id: str
    attempt: int
    exit_code: int
    handout: Handout = Handout()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """An attempt's process is gone and nobody saw its exit: the same attempt is due again."""

    task_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody ended the run: terminate, or the time limit of the whole run."""

    reason: str


Event = Finished | Lost | Stopped


@dataclass(frozen=True, slots=True)
class Origin:
    """A task of the origin run that succeeded there, and what it had decided."""

    task_id: str
    handout: Handout = Handout()
