"""What calls answered: a function that is called again with the same arguments is not followed.

Kept is what a call answered when that depends on its arguments alone: it changed nothing that
was there before, and no recursion was cut short that began outside of it. The answer is given
again with cells of its own, as if the function had been followed.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Cell,
    Function,
    FunctionInfo,
    ListCell,
    MapCell,
    ObjectCell,
    Ref,
    Text,
    Value,
    fresh_id,
)
from metaflow_orchestrator_kit.validate.records import field, record, replace

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.frame import Frame

#: Arguments that reach more than this are not compared.
MAX_SIZE = 400
#: After so many calls that could not be kept a function's calls are not compared any more.
MAX_IMPURE = 3


@record()
class Answer:
    """What a call answered: the value, the cells that it made, and the cells it was given."""

    value: Value
    cells: Mapping[int, Cell]
    given: tuple[int, ...]


@record(frozen=False)
class Call:
    """A call of a function with certain arguments; ``given`` are the cells that these reach."""

    key: Hashable
    given: tuple[int, ...]


class _Sealed:
    """Stands for a key; equal keys share one, so that comparing them costs nothing."""

    __slots__ = ()


@record(frozen=False)
class Memory:
    """The answers so far. ``impure`` are functions whose calls had effects or were cut short."""

    answers: dict[Hashable, Answer] = field(default_factory=dict)
    impure: dict[FunctionInfo, int] = field(default_factory=dict)
    _sealed: dict[int, tuple[object, _Sealed, int]] = field(default_factory=dict)
    _seals: dict[Hashable, _Sealed] = field(default_factory=dict)

    def forget(self) -> None:
        """Start over."""
        self.answers.clear()
        self.impure.clear()
        self._sealed.clear()
        self._seals.clear()

    def sealed(self, made: object) -> tuple[_Sealed, int] | None:
        """The key of this very text or cell, and how much it reaches, if `seal` was told it."""
        known = self._sealed.get(id(made))
        return None if known is None else known[1:]

    def seal(self, made: object, key: Hashable, size: int) -> _Sealed:
        """A small key in place of a large one, the same for equal ones.

        *made* reaches no cells, so that its key is the same in every call.
        """
        seal = self._seals.setdefault(key, _Sealed())
        # Kept together with what it belongs to, whose address is not given away meanwhile.
        self._sealed[id(made)] = made, seal, size
        return seal

    def is_worth(self, info: FunctionInfo) -> bool:
        """Whether calls of this function are compared: not when its first ones had effects."""
        return self.impure.get(info, 0) < MAX_IMPURE

    def give_up(self, info: FunctionInfo) -> None:
        """Note that a call of this function cannot be remembered."""
        self.impure[info] = self.impure.get(info, 0) + 1

    def recall(self, frame: Frame, call: Call) -> Value | None:
        """The answer of the same call before, in cells of the caller; None when there is none."""
        answer = self.answers.get(call.key)
        if answer is None:
            return None
        if not answer.cells and answer.given == call.given:
            return answer.value
        numbers = dict(zip(answer.given, call.given, strict=True))
        for number in answer.cells:
            numbers[number] = fresh_id()
        for number, cell in answer.cells.items():
            frame.state.store(numbers[number], _cell(cell, numbers))
        return _value(answer.value, numbers)

    def keep(self, frame: Frame, call: Call, value: Value) -> None:
        """Remember what a call answered."""
        cells: dict[int, Cell] = {}
        given = set(call.given)
        waiting: list[Value] = [value]
        while waiting:
            match waiting.pop():
                case Text(parts=parts):
                    waiting.extend(p.content for p in parts if not isinstance(p.content, str))
                case Alt(options=options):
                    waiting.extend(v for _, v in options)
                case Function(receiver=receiver, closure=closure):
                    if closure is not None:
                        return
                    if receiver is not None:
                        waiting.append(receiver)
                case Ref(cell=number) as ref if number not in cells and number not in given:
                    cell = frame.state.heap.get(ref.cell)
                    if cell is None:
                        continue  # One of the globals: the same for everybody.
                    if len(cells) >= MAX_SIZE:
                        return
                    cells[number] = cell
                    waiting.extend(_held(cell))
                case _:
                    pass
        self.answers[call.key] = Answer(value, cells, call.given)


def _held(cell: Cell) -> list[Value]:
    match cell:
        case ListCell(items=items):
            return [i.value for i in items]
        case MapCell(entries=entries):
            return [e.value for e in entries] + [e.key for e in entries if e.key is not None]
        case ObjectCell(attrs=attrs):
            return list(attrs.values())


def _cell(cell: Cell, numbers: Mapping[int, int]) -> Cell:
    match cell:
        case ListCell(items=items):
            return replace(
                cell, items=tuple(replace(i, value=_value(i.value, numbers)) for i in items)
            )
        case MapCell(entries=entries):
            found = tuple(
                replace(
                    e,
                    key=None if e.key is None else _value(e.key, numbers),
                    value=_value(e.value, numbers),
                )
                for e in entries
            )
            return replace(cell, entries=found)
        case ObjectCell(attrs=attrs):
            return replace(cell, attrs={k: _value(v, numbers) for k, v in attrs.items()})


def _value(value: Value, numbers: Mapping[int, int]) -> Value:
    """The value with other numbers for its cells."""
    match value:
        case Ref(cell=number) if number in numbers:
            return Ref(numbers[number])
        case Text(parts=parts) if any(isinstance(p.content, Ref | Alt | Text) for p in parts):
            return Text(
                tuple(
                    p
                    if isinstance(p.content, str)
                    else replace(p, content=_value(p.content, numbers))
                    for p in parts
                )
            )
        case Alt(options=options):
            return Alt(tuple((conds, _value(v, numbers)) for conds, v in options))
        case Function(receiver=receiver) if receiver is not None:
            return replace(value, receiver=_value(receiver, numbers))
        case _:
            return value
