"""Draws random shapes. The same seed and capabilities give the same shape, on any machine."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.generated.shape import (
    SMOOTH,
    Block,
    Body,
    End,
    Foreach,
    Loop,
    Parameter,
    Shape,
    Split,
    Step,
    Switch,
    Tries,
    blocks,
)

_Kind = Callable[[int, int], Block]

_MOST_TASKS = 24
"""Each task costs a process of Metaflow's own runtime, about a second."""

_MOST_BLOCKS = 12
"""What is not chosen costs no task, but somebody has to read it."""

_TEXTS = ("plain", "two words", "grün", 'a "quote"', "$HOME", "a=b, c", "{{ x }}", "-")


def draw(seed: int, supported: Collection[Cap]) -> Shape:
    """The shape of that seed, of what is supported, and of a size that runs in some seconds."""
    chance = random.Random(f"metaflow-orchestrator-kit/{seed}")
    while True:
        shape = _Draw(chance, frozenset(supported)).shape()
        few = sum(1 for _ in blocks(shape.body)) <= _MOST_BLOCKS
        if few and tasks(shape.body, _count(shape)) <= _MOST_TASKS:
            return shape


def tasks(body: Body, count: int) -> int:
    """How many tasks a body comes to, when the parameter ``count`` has that value."""
    return sum(_tasks(block, count) for block in body)


def _tasks(block: Block, count: int) -> int:
    match block:
        case Step():
            return 1
        case Split():
            return 2 + sum(tasks(branch, count) for branch in block.branches)
        case Foreach():
            return 2 + (count if block.width is None else block.width) * tasks(block.body, count)
        case Switch():
            return 2 + tasks(block.branches[block.chosen], count)
        case Loop():
            return 2 + block.rounds


def _count(shape: Shape) -> int:
    return next((int(one.value) for one in shape.parameters if one.name == "count"), 0)


class _Draw:
    """One shape being drawn."""

    def __init__(self, chance: random.Random, supported: frozenset[Cap]) -> None:
        self.chance = chance
        self.supported = supported
        self.parameters = self._parameters()

    def shape(self) -> Shape:
        body = self._body(depth=0, foreaches=0)
        if self._one_in(8):
            tries = Tries(0, self.chance.choice((0, 1))) if self._can(Cap.RETRY) else SMOOTH
            body = (*body, Step(tries, End.BREAKS))
        return Shape(body, self.parameters, bare=self._one_in(3))

    def _body(self, depth: int, foreaches: int, least: int = 1) -> Body:
        most = max(least, (3, 2, 2, 1)[min(depth, 3)])
        number = self.chance.randint(least, most)
        return tuple(self._block(depth, foreaches) for _ in range(number))

    def _block(self, depth: int, foreaches: int) -> Block:
        return self.chance.choice(self._kinds(depth, foreaches))(depth, foreaches)

    def _kinds(self, depth: int, foreaches: int) -> list[_Kind]:
        kinds: list[_Kind] = [self._step, self._step]
        if depth >= 3:
            return kinds
        if self._can(Cap.BRANCHING):
            kinds += [self._split] * (3 - depth)
        if self._can(Cap.NESTED_FOREACH if foreaches else Cap.FOREACH):
            kinds += [self._foreach] * (4 - depth)
        if self._can(Cap.SWITCH):
            kinds += [self._switch] * 2
        if self._can(Cap.RECURSIVE_SWITCH) and self._one_in(3):
            kinds += [self._loop]
        return kinds

    def _step(self, _depth: int, _foreaches: int) -> Block:
        if self._can(Cap.CATCH) and self._one_in(8):
            return Step(Tries(0, self._retries()), End.CAUGHT)
        return Step(self._tries())

    def _split(self, depth: int, foreaches: int) -> Block:
        branches = tuple(
            self._body(depth + 1, foreaches) for _ in range(self.chance.choice((2, 2, 3)))
        )
        return Split(branches, self._one_in(3), self._tries(), self._tries())

    def _foreach(self, depth: int, foreaches: int) -> Block:
        by_parameter = any(one.name == "count" for one in self.parameters) and self._one_in(2)
        width = None if by_parameter else self.chance.choice((1, 2, 2, 3))
        body = self._body(depth + 1, foreaches + 1)
        return Foreach(body, width, self._tries(), self._tries())

    def _switch(self, depth: int, foreaches: int) -> Block:
        branches = [self._body(depth + 1, foreaches) for _ in range(self.chance.choice((2, 3)))]
        if self._one_in(3):
            branches[-1] = ()
        chosen = self.chance.randrange(len(branches))
        return Switch(tuple(branches), chosen, self._tries(), self._tries())

    def _loop(self, _depth: int, _foreaches: int) -> Block:
        return Loop(self.chance.choice((1, 2, 3)), self._tries())

    def _tries(self) -> Tries:
        if not self._can(Cap.RETRY) or not self._one_in(6):
            return SMOOTH
        retries = self.chance.choice((1, 1, 2))
        return Tries(self.chance.randint(0, retries), retries)

    def _retries(self) -> int:
        return self.chance.choice((0, 1)) if self._can(Cap.RETRY) else 0

    def _parameters(self) -> tuple[Parameter, ...]:
        found = []
        given = self._can(Cap.RUN_PARAMS)
        if self._one_in(2):
            number = self.chance.choice((None, 1, 2, 3)) if given else None
            found.append(Parameter("count", self.chance.choice((1, 2)), number))
        if self._one_in(2):
            text = self.chance.choice((None, *_TEXTS)) if given else None
            found.append(Parameter("word", self.chance.choice(_TEXTS[:3]), text))
        return tuple(found)

    def _can(self, cap: Cap) -> bool:
        return cap in self.supported

    def _one_in(self, number: int) -> bool:
        return self.chance.randrange(number) == 0
