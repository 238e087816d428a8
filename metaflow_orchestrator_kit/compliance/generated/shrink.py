"""Looks for a smaller shape that still goes wrong, within a number of tries. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from metaflow_orchestrator_kit.compliance.generated.shape import (
    SMOOTH,
    Block,
    Body,
    End,
    Foreach,
    Loop,
    Shape,
    Split,
    Step,
    Switch,
    size,
)

Wrong = Callable[[Sequence[Shape]], Sequence[bool]]
"""Tells of several shapes, tried at the same time, which ones go wrong."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What the search came to."""

    shape: Shape
    tries: int
    exhausted: bool
    """Whether the tries were used up; there may be an even smaller one then."""


def shrink(shape: Shape, wrong: Wrong, *, tries: int, at_a_time: int) -> Shrunk:
    """The smallest shape that was found to go wrong; the given one where none was.

    Args:
        shape: goes wrong.
        wrong: tries shapes out; it may be asked for up to ``at_a_time`` of them.
        tries: how many shapes are tried out at most.
        at_a_time: how many are tried side by side.
    """
    used = 0
    seen = {shape}
    while True:
        waiting = [one for one in _ordered(shape) if one not in seen]
        found: Shape | None = None
        while waiting and found is None and used < tries:
            number = min(at_a_time, tries - used)
            batch, waiting = waiting[:number], waiting[number:]
            seen.update(batch)
            used += len(batch)
            verdicts = wrong(batch)
            found = next((one for one, bad in zip(batch, verdicts, strict=True) if bad), None)
        if found is None:
            return Shrunk(shape, used, exhausted=bool(waiting))
        shape = found


def _ordered(shape: Shape) -> list[Shape]:
    """Each smaller one once, the smallest first."""
    limit = size(shape)
    found = {one: size(one) for one in smaller(shape)}
    return sorted((one for one in found if found[one] < limit), key=lambda one: found[one])


def smaller(shape: Shape) -> Iterator[Shape]:
    """Every shape that is one simplification away."""
    for place, parameter in enumerate(shape.parameters):
        rest = (*shape.parameters[:place], *shape.parameters[place + 1 :])
        if parameter.name == "count":
            body = _counted(shape.body, int(parameter.value))
            yield replace(shape, parameters=rest, body=body)
        else:
            yield replace(shape, parameters=rest)
    if not shape.bare:
        yield replace(shape, bare=True)
    for body in _bodies(shape.body, least=0):
        yield replace(shape, body=body)


def _bodies(body: Body, least: int) -> Iterator[Body]:
    for place, block in enumerate(body):
        before, after = body[:place], body[place + 1 :]
        if len(body) > least:
            yield (*before, *after)
        if not isinstance(block, Step):
            yield (*before, Step(), *after)
        for inner in _within(block):
            if len(before) + len(inner) + len(after) >= least:
                yield (*before, *inner, *after)
        for simpler in _blocks(block):
            yield (*before, simpler, *after)


def _within(block: Block) -> Iterator[Body]:
    """What may stand in place of the block around it."""
    match block:
        case Split() | Switch():
            yield from block.branches
        case Foreach():
            yield block.body
        case _:
            pass


def _blocks(block: Block) -> Iterator[Block]:
    match block:
        case Step():
            if block.end is End.CAUGHT:
                yield replace(block, end=End.WORKS)
            if block.tries != SMOOTH:
                yield replace(block, tries=SMOOTH)
        case Split():
            if block.merged:
                yield replace(block, merged=False)
            yield from _fewer(block, keep=None)
            yield from _rougher(block)
        case Foreach():
            if block.width is None:
                yield replace(block, width=2)
            elif block.width > 1:
                yield replace(block, width=block.width - 1)
            for body in _bodies(block.body, least=1):
                yield replace(block, body=body)
            yield from _rougher(block)
        case Switch():
            yield from _fewer(block, keep=block.chosen)
            yield from _rougher(block)
        case Loop():
            if block.rounds > 1:
                yield replace(block, rounds=block.rounds - 1)
            if block.closing != SMOOTH:
                yield replace(block, closing=SMOOTH)


def _rougher(block: Split | Foreach | Switch) -> Iterator[Block]:
    if block.opening != SMOOTH:
        yield replace(block, opening=SMOOTH)
    if block.closing != SMOOTH:
        yield replace(block, closing=SMOOTH)


def _fewer(block: Split | Switch, keep: int | None) -> Iterator[Block]:
    """Without one of more than two branches, or with a simpler one."""
    branches = block.branches
    for place, branch in enumerate(branches):
        if len(branches) > 2 and place != keep:
            rest = (*branches[:place], *branches[place + 1 :])
            yield _with_branches(block, rest, shift=keep is not None and place < keep)
        # An empty branch of a switch is possible, but two of them would be the same way.
        least = 1 if isinstance(block, Split) or () in branches else 0
        for simpler in _bodies(branch, least=least):
            yield _with_branches(block, (*branches[:place], simpler, *branches[place + 1 :]))


def _with_branches(
    block: Split | Switch, branches: tuple[Body, ...], *, shift: bool = False
) -> Block:
    if isinstance(block, Switch):
        return replace(block, branches=branches, chosen=block.chosen - shift)
    return replace(block, branches=branches)


def _counted(body: Body, count: int) -> Body:
    """The body with the parameter's value in place of the parameter."""
    return tuple(_counted_block(block, count) for block in body)


def _counted_block(block: Block, count: int) -> Block:
    match block:
        case Foreach():
            width = count if block.width is None else block.width
            return replace(block, width=width, body=_counted(block.body, count))
        case Split():
            return replace(block, branches=tuple(_counted(one, count) for one in block.branches))
        case Switch():
            return replace(block, branches=tuple(_counted(one, count) for one in block.branches))
        case _:
            return block
