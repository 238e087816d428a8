"""Which tasks follow one that has succeeded, by the graph of the flow and what the task decided.

How a graph is walked
    A split or a foreach opens a *fan*: the join that closes it, how many arms it has, and which
    of them have arrived. Every task knows the arm that it belongs to. A task whose next step
    is a join ends its arm; the last arm to arrive launches the join with one input per arm,
    in the order of the arms (clauses F7, F9). Fans nest, so nested foreach, a split inside a
    foreach and a switch inside either need no case of their own (clauses F12, F14, F16).

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .identity import PARAMETERS_STEP, parameters_task_id, task_id
from .plan import Plan, Step
from .walk_terms import Handout, Launch, TaskRef


class DeadEnd(Exception):
    """A task succeeded, and nothing can follow it; the message says why."""


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
class Task:
    """A task: its current attempt, and where it stands in the graph.

    Attributes:
        launch: the attempt.
        arm: the arm of the innermost fan around it, if any.
        iteration: which turn it is of a step that can choose itself.
    """

    launch: Launch
    arm: _Arm | None = None
    iteration: int | None = None


class Graph:
    """The graph of one run, and how far its fans have come.

    Args:
        plan: the compiled flow.
        gangs: for a resumed run, the tasks of each gang in the origin run, by the id of its
            control task.
    """

    def __init__(self, plan: Plan, gangs: Mapping[str, tuple[str, ...]]) -> None:
        self._plan = plan
        self._gangs = gangs

    def entry(self) -> Task:
        """What a run begins with: the ``init`` command (clause E2)."""
        return Task(Launch(PARAMETERS_STEP, parameters_task_id(self._plan.start_step)))

    def is_last(self, task: Task) -> bool:
        """Whether the run is over with this task."""
        return not task.launch.is_init and not self._plan.steps[task.launch.step].out

    def after(self, task: Task, handout: Handout) -> list[Task]:
        """The tasks that are due once a task has succeeded, which is not the last one.

        Args:
            task: the task, fed once.
            handout: what it decided.

        Raises:
            DeadEnd: it did not decide what it had to.
        """
        if task.launch.is_init:
            reference = TaskRef(PARAMETERS_STEP, task.launch.task_id)
            return self._enter(self._plan.start_step, (reference,), (), None)
        step = self._plan.steps[task.launch.step]
        return self._followers(step)(step, task, handout)

    def _followers(self, step: Step) -> Callable[[Step, Task, Handout], list[Task]]:
        if step.parallel_foreach:
            return self._open_gang
        if step.is_foreach:
            return self._open_foreach
        if step.is_switch:
            return self._choose
        if len(step.out) > 1:
            return self._open_split
        return self._go_on

    def _go_on(self, step: Step, task: Task, handout: Handout) -> list[Task]:
        refs: tuple[TaskRef, ...] = (TaskRef(step.name, task.launch.task_id),)
        if task.launch.parallel:
            # The join of a gang takes every node's task, not the control task alone, and
            # Metaflow does not check their number (clause F17).
            if not handout.mappers:
                raise DeadEnd(
                    f"step {step.name} (task {task.launch.task_id}) succeeded "
                    "without handing out the tasks of its gang"
                )
            refs = tuple(TaskRef(step.name, mapper) for mapper in handout.mappers)
        return self._enter(step.out[0], refs, task.launch.index, task.arm)

    def _open_split(self, step: Step, task: Task, handout: Handout) -> list[Task]:
        fan = _Fan(step.join, len(step.out), task.launch.index, task.arm)
        refs = (TaskRef(step.name, task.launch.task_id),)
        return [
            following
            for position, child in enumerate(step.out)
            for following in self._enter(child, refs, task.launch.index, _Arm(fan, position))
        ]

    def _open_foreach(self, step: Step, task: Task, handout: Handout) -> list[Task]:
        width = handout.width
        if not width:
            raise DeadEnd(
                f"step {step.name} (task {task.launch.task_id}) succeeded "
                "without handing out how many items it has"
            )
        fan = _Fan(step.join, width, task.launch.index, task.arm)
        refs = (TaskRef(step.name, task.launch.task_id),)
        return [
            following
            for item in range(width)
            for following in self._enter(
                step.out[0],
                refs,
                (*task.launch.index, item),
                _Arm(fan, item),
                split_index=item,
            )
        ]

    def _open_gang(self, step: Step, task: Task, handout: Handout) -> list[Task]:
        """A gang on one host is its control task, which starts the others (clause F17).

        A control task that is cloned starts nobody: then every node is cloned (clause N3).
        """
        name, index = step.out[0], (*task.launch.index, 0)
        refs = (TaskRef(step.name, task.launch.task_id),)
        before = self._gangs.get(task_id(name, index, None), ())
        nodes = before if task.launch.clone_of else ()
        if not nodes:
            fan = _Fan(step.join, 1, task.launch.index, task.arm)
            return self._enter(name, refs, index, _Arm(fan, 0), split_index=0, parallel=True)
        fan = _Fan(step.join, len(nodes), task.launch.index, task.arm)
        return [
            Task(
                Launch(name, node, inputs=refs, index=index, split_index=number),
                _Arm(fan, number),
            )
            for number, node in enumerate(nodes)
        ]

    def _choose(self, step: Step, task: Task, handout: Handout) -> list[Task]:
        chosen = handout.chosen
        if chosen not in step.out:
            raise DeadEnd(
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
    ) -> list[Task]:
        """The task of a step; or, when that is a join, note the arrival of one arm at it."""
        step = self._plan.steps[name]
        if step.is_join:
            return self._arrive(step, refs, arm)
        if step.is_recursive and iteration is None:
            iteration = 0
        identifier = task_id(name, index, iteration)
        launch = Launch(
            name,
            identifier,
            inputs=refs,
            index=index,
            split_index=split_index,
            parallel=parallel,
        )
        return [Task(launch, arm, iteration)]

    def _arrive(self, step: Step, refs: tuple[TaskRef, ...], arm: _Arm | None) -> list[Task]:
        if arm is None or arm.fan.join != step.name:
            raise DeadEnd(f"step {step.name} joins a split that was never opened")
        fan = arm.fan
        fan.arrived[arm.position] = refs
        if len(fan.arrived) < fan.width:
            return []
        inputs = tuple(ref for position in sorted(fan.arrived) for ref in fan.arrived[position])
        identifier = task_id(step.name, fan.index, None)
        launch = Launch(step.name, identifier, inputs=inputs, index=fan.index)
        return [Task(launch, fan.arm)]
