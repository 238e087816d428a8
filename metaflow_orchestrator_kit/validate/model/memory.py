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
    Const,
    Entry,
    Function,
    FunctionInfo,
    Item,
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
    from metaflow_orchestrator_kit.validate.model.binding import Arguments
    from metaflow_orchestrator_kit.validate.model.frame import Frame

#: Arguments that reach more than this are not compared.
MAX_SIZE = 400
#: After so many calls that could not be kept a function's calls are not compared any more.
MAX_IMPURE = 3


class _TooLargeError(Exception):
    """The arguments reach more than is worth comparing."""


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


@record(frozen=False)
class Memory:
    """The answers so far. ``impure`` are functions whose calls had effects or were cut short."""

    answers: dict[Hashable, Answer] = field(default_factory=dict)
    impure: dict[FunctionInfo, int] = field(default_factory=dict)

    def forget(self) -> None:
        """Start over."""
        self.answers.clear()
        self.impure.clear()

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


def identify(frame: Frame, function: Function, arguments: Arguments) -> Call | None:
    """The call, as what can be compared; None when that is not worth it."""
    if function.closure is not None:
        return None
    reader = _Reader(frame)
    parameters = function.info.node.args
    # Only what is collected in *args and **kwargs keeps the place where it was passed.
    collects = parameters.vararg is not None or parameters.kwarg is not None
    try:
        key = (
            function.info,
            None if function.receiver is None else reader.value(function.receiver),
            tuple(
                reader.item(i) if collects else (reader.value(i.value), i.many)
                for i in arguments.positional
            ),
            tuple(
                (k, reader.value(v), (c, o) if collects else None)
                for k, (v, c, o) in arguments.keywords.items()
            ),
            tuple(reader.entry(e) for e in arguments.rest),
            arguments.open_,
        )
        hash(key)
    except (_TooLargeError, TypeError):
        return None
    return Call(key, tuple(reader.numbers))


@record(frozen=False)
class _Reader:
    """Values as hashable keys: cells by content and by the order in which they are met."""

    frame: Frame
    numbers: dict[int, int] = field(default_factory=dict)
    size: int = 0

    def value(self, value: Value) -> Hashable:
        self.size += 1
        if self.size > MAX_SIZE:
            raise _TooLargeError
        match value:
            case Text(parts=parts):
                return tuple(
                    p.content if isinstance(p.content, str) else (self.value(p.content), p.repr_)
                    for p in parts
                ), tuple((p.origin, p.conds) for p in parts)
            case Const(value=constant, origin=origin):
                return constant.__class__, constant, origin
            case Alt(options=options):
                return Alt, tuple((conds, self.value(v)) for conds, v in options)
            case Ref(cell=number):
                return self._ref(number, value)
            case Function(info=info, receiver=receiver, closure=closure):
                if closure is not None:
                    raise _TooLargeError
                return info, None if receiver is None else self.value(receiver)
            case _:
                return value

    def item(self, item: Item) -> Hashable:
        return self.value(item.value), item.origin, item.conds, item.many

    def entry(self, entry: Entry) -> Hashable:
        key = None if entry.key is None else self.value(entry.key)
        return key, self.value(entry.value), entry.origin, entry.conds

    def _ref(self, number: int, ref: Ref) -> Hashable:
        known = self.numbers.get(number)
        if known is not None:
            return Ref, known
        self.numbers[number] = len(self.numbers)
        match self.frame.cell(ref):
            case ListCell(items=items, kind=kind, origin=origin):
                return kind, origin, tuple(self.item(i) for i in items)
            case MapCell(entries=entries, origin=origin):
                return origin, tuple(self.entry(e) for e in entries)
            case ObjectCell(cls=cls, attrs=attrs, origin=origin):
                return cls, origin, tuple((k, self.value(v)) for k, v in attrs.items())
            case _:
                return None


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
