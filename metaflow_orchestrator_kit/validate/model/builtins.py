"""What builtins, methods of lists, mappings and strings, and a few library helpers return."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate.model import (
    assign,
    builtin_methods,
    containers,
    expressions,
    scope,
    strings,
)
from metaflow_orchestrator_kit.validate.model.values import (
    COUNTER,
    NUMBER,
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
    text_of,
)
from metaflow_orchestrator_kit.validate.records import replace

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.binding import Arguments
    from metaflow_orchestrator_kit.validate.model.frame import Frame

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
        return builtin_methods.list_method(frame, name, receiver, cell, arguments, node)
    if isinstance(receiver, Ref) and isinstance(cell, MapCell):
        return builtin_methods.map_method(frame, name, receiver, cell, arguments, node)
    if isinstance(cell, ObjectCell):
        return None
    if isinstance(receiver, Text):
        return builtin_methods.text_method(frame, name, receiver, arguments, node)
    if receiver is None or isinstance(receiver, ModuleValue):
        return _function(frame, name, callee, arguments, node)
    return None


def _function(
    frame: Frame, name: str, callee: Value, arguments: Arguments, node: ast.Call
) -> Value | None:
    origin = frame.origin(node)
    first = arguments.first()
    if isinstance(callee, ModuleValue) and callee.name == "itertools.count":
        return Unknown(arguments.names() | {"count"}, COUNTER, origin)
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
        items = containers.elements(frame, first, origin) if first is not None else []
        kind = name if name in ("tuple", "set") else "list"
        if name == "reversed":
            items = items[::-1]
        return frame.new(ListCell(tuple(items), kind, origin))
    if first is None:
        return None
    if name == "getattr" and len(arguments.positional) >= 2:
        attr = key_of(arguments.positional[1].value)
        if attr is None:
            return Unknown(arguments.names(), "an attribute chosen at run time", origin)
        return scope.attribute(frame, first, attr, node)
    if name == "str":
        return first if isinstance(first, Text) else Text(strings.parts_of(first, origin))
    if name == "repr":
        return Text(strings.parts_of(first, origin, repr_=True))
    if name == "int" and isinstance(first, Const | Text):
        literal = key_of(first)
        return Const(int(literal), origin) if literal and literal.isdigit() else first
    if name in ("int", "len", "hash", "ord") and not isinstance(callee, ModuleValue):
        return Unknown(arguments.names() | {name}, NUMBER, origin)
    if name == "next" and isinstance(first, Unknown) and first.why == COUNTER:
        return Unknown(first.names | {name}, NUMBER, origin)
    if name == "dedent" and isinstance(first, Text):
        text = strings.dedent(first)
        containers.remember(frame, text)
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
    lists = [containers.elements(frame, i.value, i.origin) for i in arguments.positional]
    match name:
        case "chain" | "concat":
            items = [i for found in lists for i in found]
        case "from_iterable":
            items = [i for found in lists[0] for i in containers.elements(frame, found.value)]
        case "enumerate":
            items = [
                replace(i, value=builtin_methods.pair(frame, Const(n), i, node), uid=fresh_id())
                for n, i in enumerate(lists[0])
            ]
        case "zip" if len(lists) == 2 and not any(i.many for found in lists for i in found):
            items = [
                replace(a, value=builtin_methods.pair(frame, a.value, b, node))
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
            containers.remember(frame, text)
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


def _cli_options(frame: Frame, mapping: Value | None, node: ast.AST) -> Value | None:
    """Metaflow's ``dict_to_cli_options``: ``--key value`` for each entry that is not empty."""
    if mapping is None:
        return None
    items: list[Item] = []
    for entry in containers.entries(frame, mapping, frame.origin(node)):
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
