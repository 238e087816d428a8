"""How far a run has come: its tasks and their attempts, from what Metaflow has recorded of them.

Every scheduler that launches Metaflow's own commands leaves the same records, so no engine has
to tell anything here (clauses F20, L1).

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from .identity import PARAMETERS_STEP
from .plan import Plan


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a task.

    Attributes:
        number: counted from 0 (clause H1).
        started: seconds since the epoch.
        ended: seconds since the epoch; None while it runs, and for ever when it was killed.
        ok: whether it succeeded; None while that is not known.
    """

    number: int
    started: float
    ended: float | None
    ok: bool | None


@dataclass(frozen=True, slots=True)
class Task:
    """A task that has started, with its attempts in order."""

    step: str
    task_id: str
    attempts: tuple[Attempt, ...]

    @property
    def running(self) -> bool:
        """Whether its last attempt has not ended, as far as anybody knows."""
        return self.attempts[-1].ended is None

    @property
    def ok(self) -> bool | None:
        """Whether it succeeded; None while its last attempt runs."""
        return self.attempts[-1].ok


@dataclass(frozen=True, slots=True)
class StepProgress:
    """What can be said of the tasks of one step."""

    name: str
    tasks: tuple[Task, ...]

    @property
    def running(self) -> int:
        """How many tasks have an attempt under way."""
        return sum(task.running for task in self.tasks)

    @property
    def done(self) -> int:
        """How many tasks have succeeded."""
        return sum(task.ok is True for task in self.tasks)

    @property
    def failed(self) -> int:
        """How many tasks have failed in their last attempt so far."""
        return sum(task.ok is False for task in self.tasks)

    @property
    def attempts(self) -> int:
        """How many attempts have been made."""
        return sum(len(task.attempts) for task in self.tasks)

    def seconds(self, now: float) -> float:
        """From the first attempt's start to the last one's end, or to now while one runs."""
        attempts = [attempt for task in self.tasks for attempt in task.attempts]
        ends = [now if attempt.ended is None else attempt.ended for attempt in attempts]
        return max(0.0, max(ends) - min(attempt.started for attempt in attempts))

    def settled(self, at: float) -> StepProgress:
        """The step when its run has ended: what had not come to an end then has failed."""
        return replace(self, tasks=tuple(_settled(task, at) for task in self.tasks))


def _settled(task: Task, at: float) -> Task:
    last = task.attempts[-1]
    if last.ok is not None:
        return task
    end = at if last.ended is None else last.ended
    return replace(task, attempts=(*task.attempts[:-1], replace(last, ended=end, ok=False)))


class Observer:
    """Looks at a run again and again; a task that has succeeded is not read again.

    Args:
        spec: the run, as `flow/run`.
        plan: the plan of the deployment, which has the order of the steps; None if it is gone.
    """

    def __init__(self, spec: str, plan: Plan | None) -> None:
        self._spec = spec
        self._order = steps_in_order(plan) if plan else []
        self._known: dict[tuple[str, str], Task] = {}

    def look(self) -> tuple[StepProgress, ...]:
        """Every step of the flow, in order; those that have not started have no tasks.

        Records that cannot be read now, such as one that is being written, are read next time.
        """
        from metaflow.exception import MetaflowException

        # A file that is half written, a service that does not answer.
        passing = (OSError, ValueError, KeyError, MetaflowException)
        try:
            for task in _tasks(self._spec):
                key = (task.path_components[-2], task.path_components[-1])
                if key[0] == PARAMETERS_STEP or self._is_settled(key):
                    continue
                if attempts := attempts_of(task.metadata):
                    self._known[key] = Task(*key, attempts)
        except passing:
            pass
        names = [*self._order, *sorted({step for step, _ in self._known} - {*self._order})]
        return tuple(StepProgress(name, tuple(self._of(name))) for name in names)

    def _is_settled(self, key: tuple[str, str]) -> bool:
        known = self._known.get(key)
        return known is not None and known.ok is True

    def _of(self, step: str) -> Iterator[Task]:
        return (task for (name, _), task in self._known.items() if name == step)


def attempts_of(metadata: Iterable[Any]) -> tuple[Attempt, ...]:
    """The attempts of a task, from its metadata as Metaflow's client shows it.

    An attempt that another one follows did not succeed. One without an end, followed by another,
    was killed, and ended by the time that the next one started.
    """
    started: dict[int, float] = {}
    ended: dict[int, float] = {}
    verdicts: list[tuple[float, bool]] = []
    for datum in metadata:
        at = float(datum.created_at) / 1000
        if datum.name == "attempt":
            # One that was killed and repeated under its number has two starts.
            started[int(datum.value)] = max(at, started.get(int(datum.value), at))
        elif datum.name == "attempt-done":
            ended[int(datum.value)] = at
        elif datum.name == "attempt_ok":
            verdicts.append((at, datum.value == "True"))
    numbers = sorted(started)
    attempts = []
    for number, following in zip(numbers, [*numbers[1:], None], strict=False):
        end = ended.get(number)
        if end is not None and end < started[number]:
            end = None
        ok: bool | None = False
        if following is None:
            ok = max(verdicts)[1] if verdicts and end is not None else None
        elif end is None:
            end = started[following]
        attempts.append(Attempt(number, started[number], end, ok))
    return tuple(attempts)


def steps_in_order(plan: Plan) -> list[str]:
    """The steps of a flow, each after those that lead to it."""
    # A step that can choose itself does not wait for itself.
    after = {name: {*step.out} - {name} for name, step in plan.steps.items()}
    missing = {name: sum(name in one for one in after.values()) for name in after}
    ready, order = [name for name, count in missing.items() if count == 0], []
    while ready:
        order.append(ready.pop(0))
        for name in plan.steps[order[-1]].out:
            missing[name] -= name in after[order[-1]]
            if missing[name] == 0 and name not in order and name not in ready:
                ready.append(name)
    return order


def _tasks(spec: str) -> Iterator[Any]:
    """The tasks of a run; none while Metaflow does not know it."""
    from metaflow import Run, namespace
    from metaflow.exception import MetaflowNotFound

    namespace(None)
    try:
        for step in Run(spec):
            yield from step
    except MetaflowNotFound:
        return
