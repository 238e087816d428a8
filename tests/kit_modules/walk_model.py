"""What a run of a structured flow must do, by recursion over the flow.

The model knows nothing of events, arms or identifiers. It is the specification that the walker
is held against: which tasks there are, and what the inputs of each one are, in which order.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from walk_flows import Body, Foreach, Gang, Plain, Split, Switch


@dataclass(frozen=True, slots=True)
class Task:
    """A task by what it is: its step, foreach indices, turn of a recursion, node of a gang."""

    step: str
    index: tuple[int, ...] = ()
    turn: int | None = None
    node: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task stands: its inputs in order, and its item of the foreach right before it."""

    inputs: tuple[Task, ...]
    item: int | None = None
    control: bool = False


PARAMETERS = Task("_parameters")


@dataclass(frozen=True, slots=True)
class Fate:
    """What user code decides, as a function of the task: the same in every order of events."""

    seed: int = 0
    widest: int = 3
    longest: int = 3

    def width(self, task: Task) -> int:
        """How many items a foreach has, or nodes a gang."""
        return self._draw(task, "width", self.widest) + 1

    def case(self, task: Task, cases: int) -> int:
        """Which case a switch takes."""
        return self._draw(task, "case", cases)

    def goes_on(self, task: Task) -> bool:
        """Whether a recursive switch chooses itself once more."""
        return (task.turn or 0) < self.longest and bool(self._draw(task, "turn", 2))

    def failures(self, task: Task) -> int:
        """How many attempts of a task fail before one succeeds."""
        return max(0, self._draw(task, "failures", 12) - 8)

    def dooms(self, task: Task) -> bool:
        """Whether all attempts of a task fail: in some runs none do, in others many."""
        rarity = random.Random(self.seed).choice((4, 12, 40))
        return self._draw(task, "doom", rarity) == 0

    def _draw(self, task: Task, what: str, below: int) -> int:
        return random.Random(f"{self.seed} {what} {task}").randrange(below)


@dataclass(slots=True)
class Model:
    """Every task of a run in which everything succeeds in the end."""

    fate: Fate
    tasks: dict[Task, Place] = field(default_factory=dict)

    def run(self, body: Body) -> dict[Task, Place]:
        """All tasks of the run, except `_parameters`, with their places."""
        last = self._body(body, (PARAMETERS,), ())
        self._note(Task("end"), last)
        return self.tasks

    def _note(self, task: Task, inputs: tuple[Task, ...], item: int | None = None) -> Task:
        assert task not in self.tasks, f"the model runs {task} twice"
        self.tasks[task] = Place(inputs, item)
        return task

    def _body(
        self, body: Body, inputs: tuple[Task, ...], index: tuple[int, ...], item: int | None = None
    ) -> tuple[Task, ...]:
        """Run a body; answer the tasks that whatever follows it gets as inputs."""
        for piece in body:
            match piece:
                case Plain(name):
                    inputs = (self._note(Task(name, index), inputs, item),)
                case Split(name, branches):
                    opening = self._note(Task(name, index), inputs, item)
                    ends = [self._body(branch, (opening,), index) for branch in branches]
                    inputs = (self._note(Task(piece.join, index), sum(ends, ())),)
                case Foreach(name, inner):
                    opening = self._note(Task(name, index), inputs, item)
                    width = self.fate.width(opening)
                    ends = [self._body(inner, (opening,), (*index, i), i) for i in range(width)]
                    inputs = (self._note(Task(piece.join, index), sum(ends, ())),)
                case Gang(name):
                    inputs = self._gang(piece, inputs, index, item)
                case Switch(_, _, True):
                    inputs = self._loop(piece, inputs, index, item)
                case Switch(name, cases):
                    task = self._note(Task(name, index), inputs, item)
                    inputs = self._body(cases[self.fate.case(task, len(cases))], (task,), index)
            item = None
        return inputs

    def _gang(
        self, gang: Gang, inputs: tuple[Task, ...], index: tuple[int, ...], item: int | None
    ) -> tuple[Task, ...]:
        opening = self._note(Task(gang.name, index), inputs, item)
        control = Task(gang.node, (*index, 0))
        self.tasks[control] = Place((opening,), 0, control=True)
        nodes = tuple(replace(control, node=n) for n in range(self.fate.width(control)))
        return (self._note(Task(gang.join, index), nodes),)

    def _loop(
        self, loop: Switch, inputs: tuple[Task, ...], index: tuple[int, ...], item: int | None
    ) -> tuple[Task, ...]:
        task = self._note(Task(loop.name, index, turn=0), inputs, item)
        while self.fate.goes_on(task):
            following = Task(loop.name, index, turn=(task.turn or 0) + 1)
            task = self._note(following, (task,), item)
        return self._body(loop.cases[self.fate.case(task, len(loop.cases))], (task,), index)
