"""What lists and mappings hold, and what is remembered of what happens to them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate.model.state import ITEMS_A_STEP, MAX_ITEMS, merge_values
from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Cell,
    Conds,
    Const,
    Entry,
    Item,
    ListCell,
    MapCell,
    Origin,
    Ref,
    Text,
    Unknown,
    Value,
    fresh_id,
    key_of,
    names_in,
)

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.frame import Frame


def remember(frame: Frame, text: Text) -> None:
    """Keep a string that may hold a command, an environment or a program."""
    plain = text.skeleton()
    if len(plain) > 8 and ("--" in plain or "METAFLOW_" in plain or "\n" in plain):
        frame.vm.texts.append((text, snapshot(frame, [text]), frame.function))


def lookup_key(frame: Frame, mapping: Value, key: str) -> Value:
    """``mapping[key]`` for a literal key."""
    cell = frame.cell(mapping)
    if not isinstance(cell, MapCell):
        return Unknown(names_in(mapping) | {key}, "looked up in something unknown")
    result: Value | None = None
    names: frozenset[str] = frozenset({key})
    for entry in cell.entries:
        name = key_of(entry.key)
        if name == key:
            result = (
                entry.value
                if result is None or not entry.conds
                else merge_values(result, (), entry.value, entry.conds)
            )
        elif name is None:
            names |= names_in(entry.value) | names_in(entry.key)
    return result if result is not None else Unknown(names, "a key that is not known")


def elements(frame: Frame, value: Value, origin: Origin | None = None) -> list[Item]:
    """What iterating *value* gives; one ``many`` item when that is not known."""
    where = origin or Origin(frame.module.path, 1, 1, 1)
    match value:
        case Alt(options=options):
            found = [i.under(conds) for conds, v in options for i in elements(frame, v, origin)]
            frame.vm.step(len(found) // ITEMS_A_STEP)
            return found[:MAX_ITEMS]
        case Const(value=None):
            return []
        case Text() if value.literal() == "":
            return []
        case Ref():
            cell = frame.cell(value)
            if isinstance(cell, ListCell):
                return list(cell.items)
            if isinstance(cell, MapCell):
                return [
                    Item(e.key, e.origin, e.conds, fresh_id())
                    if e.key is not None
                    else Item(e.value, e.origin, e.conds, fresh_id(), many=True)
                    for e in cell.entries
                ]
        case _:
            pass
    if not isinstance(value, Unknown):
        value = Unknown(names_in(value), "not a list that could be followed", where)
    return [Item(value, value.origin or where, (), fresh_id(), many=True)]


def entries(frame: Frame, value: Value, origin: Origin) -> list[Entry]:
    """The entries of a mapping, or of a list of pairs."""
    cell = frame.cell(value)
    if isinstance(cell, MapCell):
        return list(cell.entries)
    if isinstance(value, Alt):
        found = [e.under(c) for c, v in value.options for e in entries(frame, v, origin)]
        frame.vm.step(len(found) // ITEMS_A_STEP)
        return found[:MAX_ITEMS]
    if isinstance(value, Const):
        return []
    if isinstance(cell, ListCell):
        pairs: list[Entry] = []
        for item in cell.items:
            pair = frame.cell(item.value)
            if isinstance(pair, ListCell) and len(pair.items) == 2 and not item.many:
                key, held = pair.items[0].value, pair.items[1].value
                pairs.append(Entry(key, held, item.origin, item.conds, fresh_id()))
            else:
                pairs.append(Entry(None, item.value, item.origin, item.conds, fresh_id()))
        return pairs
    unknown = value if isinstance(value, Unknown) else Unknown(names_in(value), "", origin)
    return [Entry(None, unknown, origin, (), fresh_id())]


def integer(value: Value) -> int | None:
    if isinstance(value, Const) and type(value.value) is int:
        return value.value
    return None


def record(
    frame: Frame,
    kind: str,
    name: str,
    receiver: Value | None,
    node: ast.AST,
    args: Sequence[Value],
    kwargs: Sequence[tuple[str, Value, Conds, Origin]] = (),
) -> None:
    """Remember something that a rule may ask about."""
    from metaflow_orchestrator_kit.validate.model.frame import Event

    origin = frame.origin(node)
    items = tuple(Item(a, origin) for a in args)
    frame.vm.events.append(
        Event(
            kind,
            name,
            receiver,
            items,
            tuple(kwargs),
            origin,
            frame.function,
            frame.state.path,
            snapshot(frame, [*args, *(v for _, v, _, _ in kwargs)]),
        )
    )


def snapshot(frame: Frame, values: Sequence[Value]) -> dict[int, Cell]:
    """The cells that *values* reach, as they are now."""
    cells: dict[int, Cell] = {}
    waiting = list(values)
    while waiting and len(cells) < 500:
        match waiting.pop():
            case Text(parts=parts):
                waiting.extend(p.content for p in parts if not isinstance(p.content, str))
            case Alt(options=options):
                waiting.extend(v for _, v in options)
            case Ref(cell=number) as ref if number not in cells:
                cell = frame.cell(ref)
                if cell is None:
                    continue
                cells[number] = cell
                if isinstance(cell, ListCell):
                    waiting.extend(i.value for i in cell.items)
                elif isinstance(cell, MapCell):
                    waiting.extend(e.value for e in cell.entries)
            case _:
                pass
    return cells
