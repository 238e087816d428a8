"""Assignment, augmented assignment and deletion."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate.model import containers, operators
from metaflow_orchestrator_kit.validate.model.state import ITEMS_A_STEP, MAX_ITEMS
from metaflow_orchestrator_kit.validate.model.values import (
    Entry,
    Item,
    ListCell,
    MapCell,
    ObjectCell,
    Ref,
    Unknown,
    Value,
    fresh_id,
    key_of,
    names_in,
)
from metaflow_orchestrator_kit.validate.records import replace

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.frame import Frame


def assign(frame: Frame, target: ast.expr, value: Value) -> None:
    """Bind *value* to a target of any shape."""
    match target:
        case ast.Name(id=name):
            frame.state.env[name] = value
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            _unpack(frame, elts, value)
        case ast.Starred(value=inner):
            assign(frame, inner, value)
        case ast.Attribute(value=base, attr=attr):
            _set_attribute(frame, target, base, attr, value)
        case ast.Subscript(value=base, slice=index):
            _set_item(frame, target, base, index, value)
        case _:
            pass


def _unpack(frame: Frame, elts: list[ast.expr], value: Value) -> None:
    items = containers.elements(frame, value)
    plain = not any(i.many or i.conds for i in items)
    starred = [n for n, e in enumerate(elts) if isinstance(e, ast.Starred)]
    if plain and not starred and len(items) == len(elts):
        for element, item in zip(elts, items, strict=True):
            assign(frame, element, item.value)
        return
    for element in elts:
        assign(frame, element, Unknown(names_in(value), "unpacked from something unknown"))


def _set_attribute(frame: Frame, target: ast.expr, base: ast.expr, attr: str, value: Value) -> None:
    receiver = frame.evaluate(base)
    cell = frame.cell(receiver)
    containers.record(frame, "setattr", attr, receiver, target, [value])
    if isinstance(receiver, Ref) and isinstance(cell, ObjectCell):
        frame.store(receiver, replace(cell, attrs={**cell.attrs, attr: value}))


def _set_item(
    frame: Frame, target: ast.expr, base: ast.expr, index: ast.expr, value: Value
) -> None:
    receiver = frame.evaluate(base)
    if isinstance(index, ast.Slice):
        _set_slice(frame, receiver, index, value)
        return
    key = frame.evaluate(index)
    cell = frame.cell(receiver)
    if isinstance(receiver, Ref) and isinstance(cell, MapCell):
        set_entry(frame, receiver, key, value, target)
    elif isinstance(receiver, Ref) and isinstance(cell, ListCell):
        number = containers.integer(key)
        if number is not None and -len(cell.items) <= number < len(cell.items):
            items = list(cell.items)
            items[number] = replace(items[number], value=value, uid=fresh_id())
            frame.store(receiver, replace(cell, items=tuple(items)))
    else:
        containers.record(frame, "setitem", key_of(key) or "", receiver, target, [key, value])


def _set_slice(frame: Frame, receiver: Value, index: ast.Slice, value: Value) -> None:
    """``cmd[2:2] = [...]``: an insertion when both ends are known, else the list is lost."""
    cell = frame.cell(receiver)
    if not (isinstance(receiver, Ref) and isinstance(cell, ListCell)):
        return
    low = containers.integer(frame.evaluate(index.lower)) if index.lower else 0
    high = containers.integer(frame.evaluate(index.upper)) if index.upper else len(cell.items)
    new = containers.elements(frame, value)
    if low is None or high is None:
        new = [replace(i, conds=()) for i in new]
        low = high = len(cell.items)
    items = list(cell.items)
    items[low:high] = new
    frame.store(receiver, replace(cell, items=tuple(items)))


def set_entry(frame: Frame, ref: Ref, key: Value, value: Value, node: ast.AST) -> None:
    """``mapping[key] = value``; a literal key replaces the entry that had it."""
    cell = frame.cell(ref)
    if not isinstance(cell, MapCell):
        return
    name = key_of(key)
    entries = tuple(e for e in cell.entries if name is None or key_of(e.key) != name)
    entry = Entry(key, value, frame.origin(node), (), fresh_id())
    frame.store(ref, replace(cell, entries=(*entries, entry)))


def augment(frame: Frame, node: ast.AugAssign) -> None:
    """``target += value`` and its relatives; lists grow in place."""
    current = frame.evaluate(node.target)
    value = frame.evaluate(node.value)
    cell = frame.cell(current)
    if isinstance(node.op, ast.Add) and isinstance(current, Ref) and isinstance(cell, ListCell):
        extend(frame, current, value, node.value)
        return
    if isinstance(node.op, ast.BitOr) and isinstance(current, Ref) and isinstance(cell, MapCell):
        update(frame, current, value, node.value)
        return
    assign(frame, node.target, operators.binary(frame, node, node.op, current, value))


def extend(frame: Frame, ref: Ref, value: Value, node: ast.AST) -> None:
    """``list.extend(value)``."""
    cell = frame.cell(ref)
    if isinstance(cell, ListCell):
        new = containers.elements(frame, value, frame.origin(node))
        frame.vm.step((len(cell.items) + len(new)) // ITEMS_A_STEP)
        frame.store(ref, replace(cell, items=(*cell.items, *new)[:MAX_ITEMS]))


def update(frame: Frame, ref: Ref, value: Value, node: ast.AST) -> None:
    """``dict.update(value)``."""
    cell = frame.cell(ref)
    if not isinstance(cell, MapCell):
        return
    entries = (*cell.entries, *containers.entries(frame, value, frame.origin(node)))
    frame.vm.step(len(entries) // ITEMS_A_STEP)
    # From the end: an entry that is certain replaces those before it that have its key.
    replaced: set[str] = set()
    kept: list[Entry] = []
    for position in range(len(entries) - 1, -1, -1):
        entry = entries[position]
        name = key_of(entry.key)
        if name is None or name not in replaced:
            kept.append(entry)
            if name is not None and not entry.conds and position >= len(cell.entries):
                replaced.add(name)
    frame.store(ref, replace(cell, entries=tuple(kept[::-1][:MAX_ITEMS])))


def insert(frame: Frame, ref: Ref, position: Value, item: Item) -> None:
    """``list.insert(position, item)``."""
    cell = frame.cell(ref)
    if not isinstance(cell, ListCell):
        return
    number = containers.integer(position)
    items = list(cell.items)
    if number is None:
        # The place decides on which side of the sub-command the element is.
        item = replace(item, many=True, value=Unknown(names_in(item.value), "inserted somewhere"))
        number = 0
    items.insert(number, item)
    frame.store(ref, replace(cell, items=tuple(items)))


def delete(frame: Frame, targets: list[ast.expr]) -> None:
    """``del name``, ``del mapping[key]``."""
    for target in targets:
        match target:
            case ast.Name(id=name):
                frame.state.env.pop(name, None)
            case ast.Subscript(value=base, slice=index) if not isinstance(index, ast.Slice):
                receiver = frame.evaluate(base)
                cell = frame.cell(receiver)
                name_ = key_of(frame.evaluate(index))
                if isinstance(receiver, Ref) and isinstance(cell, MapCell) and name_:
                    kept = tuple(e for e in cell.entries if key_of(e.key) != name_)
                    frame.store(receiver, replace(cell, entries=kept))
            case _:
                pass
