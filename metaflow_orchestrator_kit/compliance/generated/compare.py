"""What differs between two runs of one flow. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metaflow_orchestrator_kit.compliance.model import RunSeen, TaskSeen

_ADDRESS = re.compile(r"0x[0-9a-f]+")

Key = tuple[str, tuple[int, ...], int]
"""A task, in a way that both runs have in common: step, place in each foreach, which time."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the flow."""

    run: RunSeen
    tasks: Sequence[TaskSeen]


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the two runs do not have in common."""

    what: str
    expected: Any
    observed: Any
    likely: tuple[str, ...]


def differences(native: Run, scheduled: Run, tags: Sequence[str]) -> Iterator[Difference]:
    """What differs, the causes before their consequences.

    Args:
        native: the run of Metaflow's own runtime.
        scheduled: the run of the scheduler.
        tags: those that both were given.
    """
    if native.run.successful != scheduled.run.successful:
        yield Difference(
            "whether the run succeeds",
            native.run.successful,
            scheduled.run.successful,
            ("a step fails, or never runs: see the tasks in the evidence",),
        )
    yield from _tasks(native.tasks, scheduled.tasks)
    expected, observed = _keyed(native.tasks), _keyed(scheduled.tasks)
    common = [key for key in expected if key in observed]
    for aspect in _ASPECTS:
        yield from aspect(expected, observed, common)
    missing = sorted(set(tags) & set(native.run.user_tags) - set(scheduled.run.user_tags))
    if missing:
        yield Difference(
            "tags of the run",
            sorted(set(tags)),
            scheduled.run.user_tags,
            ("--tag is not among the options of init",),
        )


def _tasks(native: Sequence[TaskSeen], scheduled: Sequence[TaskSeen]) -> Iterator[Difference]:
    expected, observed = (Counter(map(_place, tasks)) for tasks in (native, scheduled))
    if expected != observed:
        wrong = sorted(
            place for place in {*expected, *observed} if expected[place] != observed[place]
        )
        yield Difference(
            "tasks: how many of each step, by their place in the foreach around them",
            {_words(*place): expected[place] for place in wrong},
            {_words(*place): observed[place] for place in wrong},
            (
                "a step is started once too often, or not at all: look at what leads to it",
                "ids of tasks that are the same make two tasks one",
            ),
        )


Keyed = Mapping[Key, TaskSeen]


def _attempts(expected: Keyed, observed: Keyed, common: list[Key]) -> Iterator[Difference]:
    yield from _by_task(
        "attempts",
        lambda task, _: task.attempts,
        (expected, observed),
        common,
        ("--retry-count is not the attempt of this task", "the step is tried too rarely or often"),
    )


def _parents(expected: Keyed, observed: Keyed, common: list[Key]) -> Iterator[Difference]:
    yield from _by_task(
        "the tasks before",
        _before,
        (expected, observed),
        common,
        ("--input-paths of the step names other tasks", "a join waits for another split's tasks"),
    )


def _artifacts(expected: Keyed, observed: Keyed, common: list[Key]) -> Iterator[Difference]:
    yield from _by_task(
        "artifacts",
        lambda task, other: _differing(task.artifacts, other.artifacts),
        (expected, observed),
        common,
        (
            "--input-paths are in another order than the items or the branches",
            "--input-paths names other tasks",
            "a parameter did not arrive",
        ),
    )


_ASPECTS: tuple[Callable[[Keyed, Keyed, list[Key]], Iterator[Difference]], ...] = (
    _attempts,
    _parents,
    _artifacts,
)


def _by_task(
    what: str,
    read: Callable[[TaskSeen, Any], Any],
    runs: tuple[Keyed, Keyed],
    common: list[Key],
    likely: tuple[str, ...],
) -> Iterator[Difference]:
    """The first task, in the order of the local run, of which this differs."""
    expected, observed = runs
    parents = what == "the tasks before"
    for key in common:
        one, other = expected[key], observed[key]
        left = read(one, expected if parents else other)
        right = read(other, observed if parents else one)
        if left is not None and right is not None and left != right:
            yield Difference(f"{what} of {_words(*key[:2])}", left, right, likely)
            return


def _before(task: TaskSeen, run: Keyed) -> list[str] | None:
    if task.parents is None:
        return None
    places = {_last_two(one): _words(*key[:2]) for key, one in run.items()}
    return sorted(
        places.get("/".join(parent.split("/")[-2:]), f"unknown: {parent}")
        for parent in task.parents
    )


def _last_two(task: TaskSeen) -> str:
    return f"{task.step}/{task.id}"


def _differing(own: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Those of its artifacts that the other has not, or differently."""
    return {
        name: _plain(value)
        for name, value in own.items()
        if name not in other or _plain(value) != _plain(other[name])
    }


def _plain(value: Any) -> Any:
    """The value; of what JSON cannot hold, the part that two runs have in common.

    That is no address, and of an exception its last line: the others name files.
    """
    if isinstance(value, Mapping) and set(value) == {"repr"}:
        last = str(value["repr"]).strip().replace("\\n", "\n").splitlines()[-1:]
        return _ADDRESS.sub("0x…", "".join(last))
    return value


def _keyed(tasks: Sequence[TaskSeen]) -> dict[Key, TaskSeen]:
    found: dict[Key, TaskSeen] = {}
    times: Counter[tuple[str, tuple[int, ...]]] = Counter()
    for task in sorted(tasks, key=lambda one: one.created_at or 0.0):
        place = _place(task)
        found[place[0], place[1], times[place]] = task
        times[place] += 1
    return found


def _place(task: TaskSeen) -> tuple[str, tuple[int, ...]]:
    return task.step, tuple(task.index)


def _words(step: str, index: tuple[int, ...]) -> str:
    return step + "".join(f"[{number}]" for number in index)
