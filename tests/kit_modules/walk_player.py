"""A scheduler for walkers: it answers what they ask for, in an order of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from in_place.identity import PARAMETERS_STEP
from in_place.plan import Plan
from in_place.walk import Event, Finished, Handout, Launch, Origin, TaskRef, Walker
from walk_model import PARAMETERS, Fate, Place, Task

Exits = Callable[[Task, Launch], int]


@dataclass(slots=True)
class Player:
    """Plays one run: keeps everything launched and every event fed, in order.

    Args:
        plan: the compiled flow.
        fate: what user code decides.
        exits: the exit code of an attempt; all succeed if left out.
        seed: the order of the answers.
        origin: the tasks of the run that this one resumes.
    """

    plan: Plan
    fate: Fate
    exits: Exits = lambda task, launch: 0
    seed: int = 0
    origin: Mapping[str, Origin] | None = None
    launched: list[Launch] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    succeeded: dict[str, Origin] = field(default_factory=dict)
    walker: Walker = field(init=False)
    tasks: dict[str, Task] = field(init=False)
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.walker = Walker(self.plan, self.origin)
        self.tasks = {}
        self._dice = random.Random(self.seed)
        self._note(self.walker.start())

    def play(self) -> Player:
        """Answer until nothing is under way."""
        while self.walker.under_way:
            self.answer()
        return self

    def answer(self) -> list[Launch]:
        """Let some attempt that is under way end; return what it led to."""
        launch = self._dice.choice(self.walker.under_way)
        code = self.exits(self.tasks[launch.task_id], launch)
        handout = self.handout(launch) if code == 0 and launch.clone_of is None else Handout()
        if code == 0:
            decided = handout if launch.clone_of is None else self.handout(launch)
            self.succeeded[launch.task_id] = Origin(launch.task_id, decided)
        return self.feed(Finished(launch.task_id, launch.attempt, code, handout))

    def feed(self, event: Event) -> list[Launch]:
        """Feed any event, and note what it led to."""
        self.events.append(event)
        following = self.walker.feed(event)
        self._note(following)
        return following

    def handout(self, launch: Launch) -> Handout:
        """What the internal decorator would write for a task that succeeded."""
        step, task = self.plan.steps.get(launch.step), self.tasks[launch.task_id]
        if self._in_gang(launch):
            others = range(1, self.fate.width(task))
            return Handout(
                mappers=(launch.task_id, *(f"{launch.task_id}_node_{n}" for n in others))
            )
        if step is not None and step.is_foreach and not step.parallel_foreach:
            return Handout(width=self.fate.width(task))
        if step is not None and step.is_switch:
            if step.is_recursive and self.fate.goes_on(task):
                return Handout(chosen=step.name)
            cases = [name for name in step.out if name != step.name]
            return Handout(chosen=cases[self.fate.case(task, len(cases))])
        return Handout()

    def walked(self) -> dict[Task, Place]:
        """Every task that was launched, except `_parameters`, as the model speaks of it."""
        return {
            self.tasks[launch.task_id]: self.place(launch)
            for launch in self.launched
            if not launch.is_init
        }

    def place(self, launch: Launch) -> Place:
        """Where a launch says that its task stands."""
        inputs = tuple(self.task(ref) for ref in launch.inputs)
        return Place(inputs, launch.split_index, self._in_gang(launch))

    def _in_gang(self, launch: Launch) -> bool:
        """Whether it starts a gang, or clones a node of one."""
        gangs = [step.out for step in self.plan.steps.values() if step.parallel_foreach]
        assert not launch.parallel or (launch.step,) in gangs
        return launch.parallel or (launch.clone_of is not None and (launch.step,) in gangs)

    def task(self, ref: TaskRef) -> Task:
        """The task that an input refers to."""
        control, _, node = ref.task_id.partition("_node_")
        known = self.tasks[control]
        assert known.step == ref.step
        return Task(known.step, known.index, known.turn, int(node or 0))

    def _repeats(self, launch: Launch) -> bool:
        """Whether it is a later turn of a recursion."""
        return bool(launch.inputs) and launch.inputs[0].step == launch.step

    def _note(self, launches: list[Launch]) -> None:
        for launch in launches:
            self.launched.append(launch)
            self.tasks[launch.task_id] = self._identify(launch)

    def _identify(self, launch: Launch) -> Task:
        """Which task a launch is about, from its place and not from its id."""
        if launch.step == PARAMETERS_STEP:
            return PARAMETERS
        if not self.plan.steps[launch.step].is_recursive:
            _, _, node = launch.task_id.partition("_node_")
            return Task(launch.step, launch.index, node=int(node or 0))
        turn = 0
        if self._repeats(launch):
            turn = (self.tasks[launch.inputs[0].task_id].turn or 0) + 1
        return Task(launch.step, launch.index, turn)
