"""The order of a run, as a state machine without a clock, randomness or files.

A :class:`Walker` is told what happened (:class:`Finished`, :class:`Lost`, :class:`Stopped`)
and answers which attempts to launch next. Everything it knows follows from the plan and from
the events, in their order: feed the same events to a new walker and it is in the same state.
An engine therefore keeps a run by keeping its events, and resumes it by feeding them again.

How a graph is walked
    A split or a foreach opens a *fan*: the join that closes it, how many arms it has, and which
    of them have arrived. Every task knows the arm that it belongs to. A task whose next step
    is a join ends its arm; the last arm to arrive launches the join with one input per arm,
    in the order of the arms (clauses F7, F9). Fans nest, so nested foreach, a split inside a
    foreach and a switch inside either need no case of their own (clauses F12, F14, F16).

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from .identity import PARAMETERS_STEP, parameters_task_id, task_id
from .plan import Plan, Step

#: Exit code with which a step process says that a retry would be pointless (clause H8).
DO_NOT_RETRY = 202


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


@dataclass(slots=True)
class _Fan:
    """An open split or foreach."""

    join: str
    width: int
    index: tuple[int, ...]
    arm: _Arm | None
    arrived: dict[int, tuple[TaskRef, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Arm:
    """A place inside a fan."""

    fan: _Fan
    position: int


@dataclass(frozen=True, slots=True)
class _Task:
    """A task under way: its current attempt, and where it stands in the graph."""

    launch: Launch
    arm: _Arm | None
    iteration: int | None


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
        self._under_way: dict[str, _Task] = {}
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
        entry = self._plan.start_step
        return [self._begin(PARAMETERS_STEP, parameters_task_id(entry), (), (), None)]

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

    def _find(self, identifier: str, attempt: int) -> _Task | None:
        task = self._under_way.get(identifier)
        return task if task is not None and task.launch.attempt == attempt else None

    def _drop(self, task: _Task | None) -> None:
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

    def _retry(self, task: _Task, exit_code: int, note: str) -> list[Launch]:
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

    def _begin(
        self,
        step: str,
        identifier: str,
        inputs: tuple[TaskRef, ...],
        index: tuple[int, ...],
        arm: _Arm | None,
        *,
        split_index: int | None = None,
        parallel: bool = False,
        iteration: int | None = None,
    ) -> Launch:
        clone_of = None
        inherited = all(ref.task_id in self._cloned for ref in inputs)
        # A gang runs again as a whole: its control task alone would be half of it (clause N3).
        if identifier in self._origin and inherited and not parallel:
            clone_of = self._origin[identifier].task_id
        launch = Launch(
            step=step,
            task_id=identifier,
            inputs=inputs,
            index=index,
            split_index=split_index,
            parallel=parallel,
            clone_of=clone_of,
        )
        self._under_way[identifier] = _Task(launch, arm, iteration)
        return launch

    def _advance(self, task: _Task, handout: Handout) -> list[Launch]:
        """What follows a task that succeeded."""
        launch = task.launch
        if launch.clone_of is not None:
            self._cloned.add(launch.task_id)
        if self._verdict is not None:
            return []
        if launch.is_init:
            reference = TaskRef(PARAMETERS_STEP, launch.task_id)
            return self._enter(self._plan.start_step, (reference,), (), None)
        step = self._plan.steps[launch.step]
        return self._followers(step)(step, task, handout)

    def _followers(self, step: Step) -> Callable[[Step, _Task, Handout], list[Launch]]:
        if not step.out:
            return self._end
        if step.parallel_foreach:
            return self._open_gang
        if step.is_foreach:
            return self._open_foreach
        if step.is_switch:
            return self._choose
        if len(step.out) > 1:
            return self._open_split
        return self._go_on

    def _end(self, step: Step, task: _Task, handout: Handout) -> list[Launch]:
        self._verdict = State.SUCCEEDED
        return []

    def _go_on(self, step: Step, task: _Task, handout: Handout) -> list[Launch]:
        refs: tuple[TaskRef, ...] = (TaskRef(step.name, task.launch.task_id),)
        if task.launch.parallel:
            # The join of a gang takes every node's task, not the control task alone, and
            # Metaflow does not check their number (clause F17).
            if not handout.mappers:
                return self._fail(
                    f"step {step.name} (task {task.launch.task_id}) succeeded "
                    "without handing out the tasks of its gang"
                )
            refs = tuple(TaskRef(step.name, mapper) for mapper in handout.mappers)
        return self._enter(step.out[0], refs, task.launch.index, task.arm)

    def _open_split(self, step: Step, task: _Task, handout: Handout) -> list[Launch]:
        fan = _Fan(step.join, len(step.out), task.launch.index, task.arm)
        refs = (TaskRef(step.name, task.launch.task_id),)
        return [
            launch
            for position, child in enumerate(step.out)
            for launch in self._enter(child, refs, task.launch.index, _Arm(fan, position))
        ]

    def _open_foreach(self, step: Step, task: _Task, handout: Handout) -> list[Launch]:
        width = handout.width
        if not width:
            return self._fail(
                f"step {step.name} (task {task.launch.task_id}) succeeded "
                "without handing out how many items it has"
            )
        fan = _Fan(step.join, width, task.launch.index, task.arm)
        refs = (TaskRef(step.name, task.launch.task_id),)
        return [
            launch
            for item in range(width)
            for launch in self._enter(
                step.out[0],
                refs,
                (*task.launch.index, item),
                _Arm(fan, item),
                split_index=item,
            )
        ]

    def _open_gang(self, step: Step, task: _Task, handout: Handout) -> list[Launch]:
        """A gang on one host is its control task, which starts the others (clause F17).

        A control task that is cloned starts nobody: then every node is cloned (clause N3).
        """
        name, index = step.out[0], (*task.launch.index, 0)
        refs = (TaskRef(step.name, task.launch.task_id),)
        control = self._origin.get(task_id(name, index, None))
        nodes = control.handout.mappers if control and task.launch.clone_of else ()
        if not nodes:
            fan = _Fan(step.join, 1, task.launch.index, task.arm)
            return self._enter(name, refs, index, _Arm(fan, 0), split_index=0, parallel=True)
        fan = _Fan(step.join, len(nodes), task.launch.index, task.arm)
        return [
            self._begin(name, node, refs, index, _Arm(fan, number), split_index=number)
            for number, node in enumerate(nodes)
        ]

    def _choose(self, step: Step, task: _Task, handout: Handout) -> list[Launch]:
        chosen = handout.chosen
        if chosen not in step.out:
            return self._fail(
                f"step {step.name} (task {task.launch.task_id}) succeeded and handed out "
                f"{chosen!r} as the next step, which is not one of {', '.join(step.out)}"
            )
        refs = (TaskRef(step.name, task.launch.task_id),)
        if chosen == step.name:
            return self._enter(
                chosen,
                refs,
                task.launch.index,
                task.arm,
                split_index=task.launch.split_index,
                iteration=(task.iteration or 0) + 1,
            )
        return self._enter(chosen, refs, task.launch.index, task.arm)

    def _enter(
        self,
        name: str,
        refs: tuple[TaskRef, ...],
        index: tuple[int, ...],
        arm: _Arm | None,
        *,
        split_index: int | None = None,
        parallel: bool = False,
        iteration: int | None = None,
    ) -> list[Launch]:
        """Launch a step, or, when it is a join, note the arrival of one arm at it."""
        step = self._plan.steps[name]
        if step.is_join:
            return self._arrive(step, refs, arm)
        if step.is_recursive and iteration is None:
            iteration = 0
        return [
            self._begin(
                name,
                task_id(name, index, iteration),
                refs,
                index,
                arm,
                split_index=split_index,
                parallel=parallel,
                iteration=iteration,
            )
        ]

    def _arrive(self, step: Step, refs: tuple[TaskRef, ...], arm: _Arm | None) -> list[Launch]:
        if arm is None or arm.fan.join != step.name:
            return self._fail(f"step {step.name} joins a split that was never opened")
        fan = arm.fan
        fan.arrived[arm.position] = refs
        if len(fan.arrived) < fan.width:
            return []
        inputs = tuple(ref for position in sorted(fan.arrived) for ref in fan.arrived[position])
        identifier = task_id(step.name, fan.index, None)
        return [self._begin(step.name, identifier, inputs, fan.index, fan.arm)]
