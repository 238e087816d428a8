"""What builtins, methods of lists, mappings and strings, and a few library helpers return."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate.model import assign, expressions, strings
from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Cond,
    Const,
    Item,
    ListCell,
    MapCell,
    ModuleValue,
    ObjectCell,
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

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.calls import Arguments
    from metaflow_orchestrator_kit.validate.model.interpreter import Frame

_CASTS = frozenset({"list", "tuple", "set", "frozenset", "sorted", "reversed", "iter"})
_TRANSPARENT = frozenset({"quote", "_quote", "deepcopy", "copy", "escape", "fspath", "cast"})


def call(
    frame: Frame,
    name: str,
    receiver: Value | None,
    callee: Value,
    arguments: Arguments,
    node: ast.Call,
) -> Value | None:
    """The result of a call that is known by name; None when it is not."""
    if isinstance(receiver, Alt):
        return None
    cell = frame.cell(receiver) if receiver is not None else None
    if isinstance(receiver, Ref) and isinstance(cell, ListCell):
        return _list_method(frame, name, receiver, cell, arguments, node)
    if isinstance(receiver, Ref) and isinstance(cell, MapCell):
        return _map_method(frame, name, receiver, cell, arguments, node)
    if isinstance(cell, ObjectCell):
        return None
    if isinstance(receiver, Text):
        return _text_method(frame, name, receiver, arguments, node)
    if receiver is None or isinstance(receiver, ModuleValue):
        return _function(frame, name, callee, arguments, node)
    return None


def _function(
    frame: Frame, name: str, callee: Value, arguments: Arguments, node: ast.Call
) -> Value | None:
    origin = frame.origin(node)
    first = arguments.first()
    name = callee.name.rpartition(".")[2] if isinstance(callee, ModuleValue) else name
    if name == "dict":
        ref = frame.new(MapCell((), origin))
        if first is not None:
            assign.update(frame, ref, first, node)
        for key, (value, _, where) in arguments.keywords.items():
            assign.set_entry(frame, ref, text_of(key, where), value, node)
        for entry in arguments.rest:
            assign.update(frame, ref, entry.value, node)
        return ref
    if name in _CASTS:
        items = expressions.elements(frame, first, origin) if first is not None else []
        kind = name if name in ("tuple", "set") else "list"
        if name == "reversed":
            items = items[::-1]
        return frame.new(ListCell(tuple(items), kind, origin))
    if first is None:
        return None
    if name == "str":
        return first if isinstance(first, Text) else Text(strings.parts_of(first, origin))
    if name == "repr":
        return Text(strings.parts_of(first, origin, repr_=True))
    if name == "int" and isinstance(first, Const | Text):
        literal = key_of(first)
        return Const(int(literal), origin) if literal and literal.isdigit() else first
    if name == "dedent" and isinstance(first, Text):
        text = strings.dedent(first)
        expressions.remember(frame, text)
        return text
    if name in _TRANSPARENT:
        if name == "cast" and len(arguments.positional) > 1:
            return arguments.positional[1].value
        if name in ("copy", "deepcopy"):
            return _copy(frame, first)
        return first
    if name in ("dumps", "to_json") and isinstance(first, Ref):
        return Text((Part(first, origin, (), fresh_id(), repr_=True),))
    return _iterators(frame, name, arguments, node)


def _iterators(frame: Frame, name: str, arguments: Arguments, node: ast.Call) -> Value | None:
    origin = frame.origin(node)
    lists = [expressions.elements(frame, i.value, i.origin) for i in arguments.positional]
    match name:
        case "chain" | "concat":
            items = [i for found in lists for i in found]
        case "from_iterable":
            items = [i for found in lists[0] for i in expressions.elements(frame, found.value)]
        case "enumerate":
            items = [
                replace(i, value=_pair(frame, Const(n), i, node), uid=fresh_id())
                for n, i in enumerate(lists[0])
            ]
        case "zip" if len(lists) == 2 and not any(i.many for found in lists for i in found):
            items = [
                replace(a, value=_pair(frame, a.value, b, node))
                for a, b in zip(*lists, strict=False)
            ]
        case "map" | "filter" if len(lists) == 2:
            function = expressions.source(node.args[0])
            if name == "map" and function not in ("str", "shlex.quote", "quote"):
                return None
            own = Cond(f"{function} of it", True, "own")
            items = [i.under((own,)) for i in lists[1]] if name == "filter" else lists[1]
        case "join" if len(arguments.positional) == 1:
            space = text_of(" ", origin)
            text = strings.join_items(space, lists[0], origin)
            expressions.remember(frame, text)
            return text
        case "join":
            slash = text_of("/", origin)
            return strings.join_items(slash, arguments.positional, origin)
        case "split" if isinstance(arguments.first(), Text):
            first = arguments.first()
            items = strings.words(first, origin) if isinstance(first, Text) else []
        case "dict_to_cli_options" | "to_pod":
            return _cli_options(frame, arguments.first(), node)
        case _:
            return None
    return frame.new(ListCell(tuple(items), "list", origin))


def _pair(frame: Frame, first: Value, second: Item, node: ast.AST) -> Value:
    origin = frame.origin(node)
    items = (Item(first, origin, (), fresh_id()), Item(second.value, second.origin, (), fresh_id()))
    return frame.new(ListCell(items, "tuple", origin))


def _cli_options(frame: Frame, mapping: Value | None, node: ast.AST) -> Value | None:
    """Metaflow's ``dict_to_cli_options``: ``--key value`` for each entry that is not empty."""
    if mapping is None:
        return None
    items: list[Item] = []
    for entry in expressions.entries(frame, mapping, frame.origin(node)):
        key = key_of(entry.key)
        if key is None:
            items.append(Item(entry.value, entry.origin, entry.conds, entry.uid, many=True))
            continue
        if isinstance(entry.value, Const) and entry.value.value in (None, False):
            continue
        flag = text_of("--" + ("with" if key == "decospecs" else key), entry.origin)
        items.append(Item(flag, entry.origin, entry.conds, entry.uid))
        if not (isinstance(entry.value, Const) and entry.value.value is True):
            items.append(Item(entry.value, entry.origin, entry.conds, fresh_id()))
    return frame.new(ListCell(tuple(items), "generator", frame.origin(node)))


def _copy(frame: Frame, value: Value) -> Value:
    cell = frame.cell(value)
    return frame.new(cell) if cell is not None else value


def _list_method(
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
            return expressions.binary(frame, node, ast.Add(), receiver, first)
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


def _map_method(
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
            return expressions.lookup_key(frame, receiver, key_of(first) or "")
        case "get" | "pop" | "__getitem__" if first is not None:
            literal = key_of(first)
            if literal is not None and any(key_of(e.key) == literal for e in cell.entries):
                return expressions.lookup_key(frame, receiver, literal)
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
                pair = _pair(frame, entry.key, held, node)
                items.append(Item(pair, entry.origin, entry.conds, entry.uid))
            return frame.new(ListCell(tuple(items), "list", origin))
        case "keys":
            return frame.new(ListCell(tuple(expressions.elements(frame, receiver)), "list", origin))
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


def _text_method(
    frame: Frame, name: str, receiver: Text, arguments: Arguments, node: ast.Call
) -> Value | None:
    origin = frame.origin(node)
    first = arguments.first()
    literals = [key_of(i.value) for i in arguments.positional]
    match name:
        case "join" if first is not None:
            text = strings.join_items(receiver, expressions.elements(frame, first), origin)
        case "format" | "format_map":
            values = arguments.positional

            def answer(key: str | int) -> Value:
                if isinstance(key, int):
                    known = key < len(values) and not any(i.many for i in values)
                    return values[key].value if known else Unknown(why="a formatted value")
                if key in arguments.keywords:
                    return arguments.keywords[key][0]
                if name == "format_map" and first is not None:
                    return expressions.lookup_key(frame, first, key)
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
    expressions.remember(frame, text)
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
