"""The methods of lists, mappings and strings."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate.model import assign, containers, operators, strings
from metaflow_orchestrator_kit.validate.model.values import (
    Const,
    Item,
    ListCell,
    MapCell,
    Part,
    Ref,
    Text,
    Unknown,
    Value,
    fresh_id,
    key_of,
    names_in,
    text_of,
)
from metaflow_orchestrator_kit.validate.records import replace

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.binding import Arguments
    from metaflow_orchestrator_kit.validate.model.frame import Frame


def pair(frame: Frame, first: Value, second: Item, node: ast.AST) -> Value:
    origin = frame.origin(node)
    items = (Item(first, origin, (), fresh_id()), Item(second.value, second.origin, (), fresh_id()))
    return frame.new(ListCell(items, "tuple", origin))


def list_method(
    frame: Frame,
    name: str,
    receiver: Ref,
    cell: ListCell,
    arguments: Arguments,
    node: ast.Call,
) -> Value | None:
    first = arguments.first()
    match name:
        case "append" | "add" if first is not None:
            item = Item(first, frame.origin(node.args[0]), (), fresh_id())
            frame.store(receiver, replace(cell, items=(*cell.items, item)[:2000]))
        case "extend" | "update" if first is not None:
            assign.extend(frame, receiver, first, node.args[0])
        case "insert" if len(arguments.positional) == 2:
            value = arguments.positional[1].value
            item = Item(value, frame.origin(node.args[1]), (), fresh_id())
            assign.insert(frame, receiver, arguments.positional[0].value, item)
        case "__add__" if first is not None:
            return operators.binary(frame, node, ast.Add(), receiver, first)
        case "copy":
            return frame.new(cell)
        case "pop" | "remove" | "clear":
            gone = Unknown(why=f"taken out by {name}()")
            if name == "clear":
                frame.store(receiver, replace(cell, items=()))
            elif name == "pop" and not node.args and cell.items and not cell.items[-1].many:
                gone_value = cell.items[-1].value
                frame.store(receiver, replace(cell, items=cell.items[:-1]))
                return gone_value
            return gone
        case _:
            return None
    return Const(None)


def map_method(
    frame: Frame,
    name: str,
    receiver: Ref,
    cell: MapCell,
    arguments: Arguments,
    node: ast.Call,
) -> Value | None:
    first = arguments.first()
    origin = frame.origin(node)
    match name:
        case "update":
            if first is not None:
                assign.update(frame, receiver, first, node.args[0] if node.args else node)
            for key, (value, _, where) in arguments.keywords.items():
                assign.set_entry(frame, receiver, text_of(key, where), value, node)
            for entry in arguments.rest:
                assign.update(frame, receiver, entry.value, node)
            return Const(None)
        case "setdefault" if first is not None:
            given = arguments.positional
            default = given[1].value if len(given) > 1 else Const(None)
            if all(key_of(e.key) != key_of(first) for e in cell.entries):
                assign.set_entry(frame, receiver, first, default, node)
            return containers.lookup_key(frame, receiver, key_of(first) or "")
        case "get" | "pop" | "__getitem__" if first is not None:
            literal = key_of(first)
            if literal is not None and any(key_of(e.key) == literal for e in cell.entries):
                return containers.lookup_key(frame, receiver, literal)
            open_ = any(key_of(e.key) is None for e in cell.entries)
            if literal is not None and not open_ and len(arguments.positional) > 1:
                return arguments.positional[1].value
            return Unknown(names_in(receiver) | names_in(first) | {literal or ""}, "a look-up")
        case "items":
            items = []
            for entry in cell.entries:
                if entry.key is None:
                    items.append(Item(entry.value, entry.origin, entry.conds, entry.uid, True))
                    continue
                held = Item(entry.value, entry.origin, (), fresh_id())
                both = pair(frame, entry.key, held, node)
                items.append(Item(both, entry.origin, entry.conds, entry.uid))
            return frame.new(ListCell(tuple(items), "list", origin))
        case "keys":
            return frame.new(ListCell(tuple(containers.elements(frame, receiver)), "list", origin))
        case "values":
            held_items = [
                Item(e.value, e.origin, e.conds, fresh_id(), many=e.key is None)
                for e in cell.entries
            ]
            return frame.new(ListCell(tuple(held_items), "list", origin))
        case "copy":
            return frame.new(cell)
        case _:
            return None


def text_method(
    frame: Frame, name: str, receiver: Text, arguments: Arguments, node: ast.Call
) -> Value | None:
    origin = frame.origin(node)
    first = arguments.first()
    literals = [key_of(i.value) for i in arguments.positional]
    match name:
        case "join" if first is not None:
            text = strings.join_items(receiver, containers.elements(frame, first), origin)
        case "format" | "format_map":
            values = arguments.positional

            def answer(key: str | int) -> Value:
                if isinstance(key, int):
                    known = key < len(values) and not any(i.many for i in values)
                    return values[key].value if known else Unknown(why="a formatted value")
                if key in arguments.keywords:
                    return arguments.keywords[key][0]
                if name == "format_map" and first is not None:
                    return containers.lookup_key(frame, first, key)
                names = arguments.names() | {key}
                return Unknown(names, "a formatted value", origin)

            text = strings.format_braces(receiver, answer, origin)
        case "strip" | "lstrip" | "rstrip":
            text = strings.strip(receiver, name, literals[0] if literals else None)
        case "replace" if len(literals) >= 2 and literals[0]:
            old, new = literals[0], arguments.positional[1].value
            text = _replaced(receiver, old, new)
        case "upper" | "lower" | "title":
            text = strings.transform(receiver, getattr(str, name))
        case "split" if not literals or literals[0] in (" ", None):
            return frame.new(ListCell(tuple(strings.words(receiver, origin)), "list", origin))
        case "splitlines":
            item = Item(receiver, origin, (), fresh_id())
            return frame.new(ListCell((item,), "list", origin))
        case "encode" | "removeprefix" | "removesuffix" | "expandtabs":
            return receiver
        case _:
            return None
    containers.remember(frame, text)
    return text


def _replaced(text: Text, old: str, new: Value) -> Text:
    """``text.replace(old, new)``; *new* may be unknown."""
    parts: list[Part] = []
    for part in text.parts:
        if not isinstance(part.content, str) or old not in part.content:
            parts.append(part)
            continue
        at = 0
        while (found := part.content.find(old, at)) >= 0:
            parts.append(strings.slice_part(part, part.content, at, found))
            here = strings.slice_part(part, part.content, found, found).origin
            parts.extend(strings.parts_of(new, here))
            at = found + len(old)
        parts.append(strings.slice_part(part, part.content, at, len(part.content)))
    return Text(tuple(p for p in parts if p.content != ""))
