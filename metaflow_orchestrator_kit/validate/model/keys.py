"""Calls as what can be compared: of which function, and with which arguments."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, TypeVar

from metaflow_orchestrator_kit.validate.model.memory import MAX_SIZE, Call
from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Cell,
    Const,
    Entry,
    Function,
    Item,
    ListCell,
    MapCell,
    ObjectCell,
    Ref,
    Text,
    Value,
)
from metaflow_orchestrator_kit.validate.records import field, record

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.binding import Arguments
    from metaflow_orchestrator_kit.validate.model.frame import Frame

T = TypeVar("T")


class _TooLargeError(Exception):
    """The arguments reach more than is worth comparing."""


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
    met: int = 0
    """How many references were followed; what adds none looks the same wherever it is passed."""

    def value(self, value: Value) -> Hashable:
        self.size += 1
        if self.size > MAX_SIZE:
            raise _TooLargeError
        match value:
            case Text():
                return self._once(value, self._text)
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

    def _once(self, made: T, read: Callable[[T], Hashable]) -> Hashable:
        """The key that *read* answers, remembered when *made* reaches no cell."""
        memory = self.frame.vm.memory
        known = memory.sealed(made)
        if known is not None:
            self.size += known[1]
            if self.size > MAX_SIZE:
                raise _TooLargeError
            return known[0]
        size, met = self.size, self.met
        key = read(made)
        return key if self.met != met else memory.seal(made, key, self.size - size)

    def _text(self, text: Text) -> Hashable:
        return tuple(
            p.content if isinstance(p.content, str) else (self.value(p.content), p.repr_)
            for p in text.parts
        ), tuple((p.origin, p.conds) for p in text.parts)

    def item(self, item: Item) -> Hashable:
        return self.value(item.value), item.origin, item.conds, item.many

    def entry(self, entry: Entry) -> Hashable:
        key = None if entry.key is None else self.value(entry.key)
        return key, self.value(entry.value), entry.origin, entry.conds

    def _ref(self, number: int, ref: Ref) -> Hashable:
        self.met += 1
        known = self.numbers.get(number)
        if known is not None:
            return Ref, known
        self.numbers[number] = len(self.numbers)
        cell = self.frame.cell(ref)
        return None if cell is None else self._once(cell, self._cell)

    def _cell(self, cell: Cell) -> Hashable:
        match cell:
            case ListCell(items=items, kind=kind, origin=origin):
                return kind, origin, tuple(self.item(i) for i in items)
            case MapCell(entries=entries, origin=origin):
                return origin, tuple(self.entry(e) for e in entries)
            case ObjectCell(cls=cls, attrs=attrs, origin=origin):
                return cls, origin, tuple((k, self.value(v)) for k, v in attrs.items())
