"""The shape of a random flow: a tree of blocks, each of which has one way in and one way out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from metaflow_orchestrator_kit.capabilities import Cap


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a step fails before it works, and how often it may be tried again."""

    fails: int = 0
    retries: int = 0
    """Without any, the step has no @retry at all."""


SMOOTH = Tries()


class End(Enum):
    """How a step ends once its attempts are used up."""

    WORKS = "works"
    CAUGHT = "caught"
    """It fails in every attempt, and has @catch."""
    BREAKS = "breaks"
    """It fails in every attempt, and with it the run."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that goes on to the next one."""

    tries: Tries = SMOOTH
    end: End = End.WORKS


@dataclass(frozen=True, slots=True)
class Split:
    """A static split, its branches, and the join."""

    branches: tuple[Body, ...]
    merged: bool = False
    """Whether the join calls merge_artifacts."""
    opening: Tries = SMOOTH
    closing: Tries = SMOOTH


@dataclass(frozen=True, slots=True)
class Foreach:
    """A foreach, its body, and the join."""

    body: Body
    width: int | None = 2
    """The number of items; None for as many as the parameter ``count`` says."""
    opening: Tries = SMOOTH
    closing: Tries = SMOOTH


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch, its branches, of which one is chosen, and the step where they meet again.

    One branch may be empty: it leads to that step at once.
    """

    branches: tuple[Body, ...]
    chosen: int = 0
    opening: Tries = SMOOTH
    closing: Tries = SMOOTH


@dataclass(frozen=True, slots=True)
class Loop:
    """A switch that chooses itself until it has had its rounds, and the step after it."""

    rounds: int = 2
    closing: Tries = SMOOTH


Block = Step | Split | Foreach | Switch | Loop
Body = tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the flow."""

    name: str
    default: str | int | float
    given: str | int | float | None = None
    """The value for the run; None where it is left to the default."""

    @property
    def value(self) -> str | int | float:
        """What the flow sees."""
        return self.default if self.given is None else self.given


@dataclass(frozen=True, slots=True)
class Shape:
    """A whole flow."""

    body: Body
    parameters: tuple[Parameter, ...] = field(default_factory=tuple)
    bare: bool = False
    """Whether the first block opens the flow; else a plain step goes before it."""


def blocks(body: Body) -> Iterator[Block]:
    """Every block, outer ones first."""
    for block in body:
        yield block
        for inner in _inside(block):
            yield from blocks(inner)


def _inside(block: Block) -> tuple[Body, ...]:
    match block:
        case Split() | Switch():
            return block.branches
        case Foreach():
            return (block.body,)
        case _:
            return ()


def breaks(shape: Shape) -> bool:
    """Whether the run is to fail."""
    return any(isinstance(one, Step) and one.end is End.BREAKS for one in blocks(shape.body))


def size(shape: Shape) -> int:
    """How much there is to understand: steps, width, rounds, retries, parameters."""
    return sum(map(_size, blocks(shape.body))) + len(shape.parameters) + (not shape.bare)


def _size(block: Block) -> int:
    match block:
        case Step():
            return 1 + _weight(block.tries) + (block.end is not End.WORKS)
        case Split():
            return 2 + block.merged + _weight(block.opening) + _weight(block.closing)
        case Foreach():
            width = 4 if block.width is None else block.width
            return 2 + width + _weight(block.opening) + _weight(block.closing)
        case Switch():
            return 2 + (block.chosen > 0) + _weight(block.opening) + _weight(block.closing)
        case Loop():
            return 2 + block.rounds + _weight(block.closing)


def _weight(tries: Tries) -> int:
    return tries.fails + tries.retries


def capabilities(shape: Shape) -> tuple[Cap, ...]:
    """What a scheduler has to support to run the flow, the most demanding first."""
    found = set(_capabilities(shape.body, depth=0))
    order = (
        *(Cap.RECURSIVE_SWITCH, Cap.NESTED_FOREACH, Cap.SWITCH, Cap.FOREACH, Cap.BRANCHING),
        *(Cap.CATCH, Cap.RETRY, Cap.RUN_PARAMS, Cap.LINEAR_DAG),
    )
    if any(one.given is not None for one in shape.parameters):
        found.add(Cap.RUN_PARAMS)
    return tuple(cap for cap in order if cap in found or cap is Cap.LINEAR_DAG)


def _capabilities(body: Body, depth: int) -> Iterator[Cap]:
    for block in body:
        match block:
            case Step():
                yield from [Cap.CATCH] if block.end is End.CAUGHT else []
                yield from _retried(block.tries)
            case Split():
                yield Cap.BRANCHING
            case Foreach():
                yield Cap.NESTED_FOREACH if depth else Cap.FOREACH
                yield from _capabilities(block.body, depth + 1)
            case Switch():
                yield Cap.SWITCH
            case Loop():
                yield Cap.RECURSIVE_SWITCH
                yield from _retried(block.closing)
        if isinstance(block, Split | Foreach | Switch):
            yield from _retried(block.opening)
            yield from _retried(block.closing)
        if isinstance(block, Split | Switch):
            for branch in block.branches:
                yield from _capabilities(branch, depth)


def _retried(tries: Tries) -> list[Cap]:
    return [Cap.RETRY] if tries.retries else []
