"""The order of a run, as a state machine without a clock, randomness or files.

A :class:`Walker` is told what happened (:class:`Finished`, :class:`Lost`, :class:`Stopped`)
and answers which attempts to launch next. Everything it knows follows from the plan and from
the events, in their order: feed the same events to a new walker and it is in the same state.
An engine therefore keeps a run by keeping its events, and resumes it by feeding them again.
Where a run goes in its graph is `walk_graph`'s, the words are those of `walk_terms`.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from .plan import Plan
from .walk_graph import DeadEnd, Graph, Task
from .walk_terms import (
    Event,
    Finished,
    Handout,
    Launch,
    Lost,
    Origin,
    State,
    Stopped,
    TaskRef,
)

#: What belongs to walking a run, from one place.
__all__ = [
    "DO_NOT_RETRY",
    "Event",
    "Finished",
    "Handout",
    "Launch",
    "Lost",
    "Origin",
    "State",
    "Stopped",
    "TaskRef",
    "Walker",
]

#: Exit code with which a step process says that a retry would be pointless (clause H8).
DO_NOT_RETRY = 202


class Walker:
    """Walks one run of a plan.

    Args:
        plan: the compiled flow.
        origin: for a resumed run, the tasks that succeeded in the origin run, by task id.
            Task ids are a function of step, foreach indices and iteration, so a task has
            the same id in both runs. A task is cloned when all its inputs were.
    """

    def __init__(self, plan: Plan, origin: Mapping[str, Origin] | None = None) -> None:
        self._plan = plan
        self._origin = dict(origin or {})
        for task in (origin or {}).values():
            for node in task.handout.mappers:
                self._origin.setdefault(node, Origin(node))
        self._graph = Graph(plan, {name: one.handout.mappers for name, one in self._origin.items()})
        self._under_way: dict[str, Task] = {}
        self._cloned: set[str] = set()
        self._verdict: State | None = None
        self.reason = ""

    @property
    def state(self) -> State:
        """Running until nothing is under way any more, then the verdict."""
        if self._under_way and self._verdict is not State.STOPPED:
            return State.RUNNING
        return self._verdict or State.RUNNING

    @property
    def under_way(self) -> tuple[Launch, ...]:
        """The attempts that have been asked for and not been answered, oldest first."""
        return tuple(task.launch for task in self._under_way.values())

    def start(self) -> list[Launch]:
        """Begin the run: the ``init`` command, exactly once (clause E2)."""
        return [self._begin(self._graph.entry())]

    def feed(self, event: Event) -> list[Launch]:
        """Take in what happened; answer what to launch now.

        An answer about an attempt that is not under way, such as a message delivered
        twice, changes nothing (clause L6).
        """
        match event:
            case Stopped(reason):
                return self._stop(reason)
            case Lost(identifier, attempt):
                task = self._find(identifier, attempt)
                if task is None or self._verdict is not None:
                    self._drop(task)
                    return []
                return [replace(task.launch, delay=0.0)]
            case Finished(identifier, attempt, exit_code, handout, note):
                task = self._find(identifier, attempt)
                if task is None:
                    return []
                del self._under_way[identifier]
                if exit_code != 0:
                    return self._retry(task, exit_code, note)
                if task.launch.clone_of is not None:
                    handout = self._origin[identifier].handout
                return self._advance(task, handout)

    def replay(self, events: Iterable[Event]) -> tuple[Launch, ...]:
        """Start and feed all events; answer what is under way after the last one."""
        self.start()
        for event in events:
            self.feed(event)
        return self.under_way

    def _find(self, identifier: str, attempt: int) -> Task | None:
        task = self._under_way.get(identifier)
        return task if task is not None and task.launch.attempt == attempt else None

    def _drop(self, task: Task | None) -> None:
        if task is not None:
            del self._under_way[task.launch.task_id]

    def _stop(self, reason: str) -> list[Launch]:
        """Nothing goes on, siblings of a failed task neither; what had failed stays failed."""
        if self._verdict is None:
            self._verdict, self.reason = State.STOPPED, reason
        self._under_way.clear()
        return []

    def _fail(self, reason: str) -> list[Launch]:
        """No successor starts any more; siblings under way may finish (clause L2)."""
        if self._verdict is None:
            self._verdict, self.reason = State.FAILED, reason
        return []

    def _retry(self, task: Task, exit_code: int, note: str) -> list[Launch]:
        launch = task.launch
        if self._verdict is not None:
            return []
        step = self._plan.steps.get(launch.step)
        following = launch.attempt + 1
        if step is None or following >= step.attempts or exit_code == DO_NOT_RETRY:
            what = "init" if launch.is_init else f"step {launch.step}"
            why = f"exit code {exit_code}" + (f": {note}" if note else "")
            return self._fail(f"{what} (task {launch.task_id}) ended with {why}")
        again = replace(launch, attempt=following, delay=step.retry_delay)
        self._under_way[launch.task_id] = replace(task, launch=again)
        return [again]

    def _begin(self, task: Task) -> Launch:
        launch = task.launch
        identifier = launch.task_id
        inherited = all(ref.task_id in self._cloned for ref in launch.inputs)
        # A gang runs again as a whole: its control task alone would be half of it (clause N3).
        if identifier in self._origin and inherited and not launch.parallel:
            launch = replace(launch, clone_of=self._origin[identifier].task_id)
        self._under_way[identifier] = replace(task, launch=launch)
        return launch

    def _advance(self, task: Task, handout: Handout) -> list[Launch]:
        """What follows a task that succeeded."""
        launch = task.launch
        if launch.clone_of is not None:
            self._cloned.add(launch.task_id)
        if self._verdict is not None:
            return []
        if self._graph.is_last(task):
            self._verdict = State.SUCCEEDED
            return []
        try:
            due = self._graph.after(task, handout)
        except DeadEnd as error:
            return self._fail(str(error))
        return [self._begin(following) for following in due]
