"""The environment model: which variables the extension sets for whom, and to what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from metaflow_orchestrator_kit.validate.model.frame import Event
from metaflow_orchestrator_kit.validate.model.strings import shift
from metaflow_orchestrator_kit.validate.model.values import (
    Cell,
    Conds,
    FunctionInfo,
    ListCell,
    MapCell,
    Origin,
    Text,
    Unknown,
    Value,
    key_of,
    names_in,
)
from metaflow_orchestrator_kit.validate.records import record, regex

_ASSIGNED = regex(r"(?:^|[\s;&(\"'])(?:export\s+|-e\s+)?(METAFLOW_[A-Z0-9_]+)=")
_LISTED = regex(r"(?:^|\n)\s*(?:-\s*name:\s*)?[\"']?(METAFLOW_[A-Z0-9_]+)[\"']?(?::\s|\s*\n)")
_SETTER = regex(r"env|var|set|add|put|export", re.I)
_READERS = {"get", "getenv", "pop", "from_conf", "startswith", "environ"}


@record()
class EnvWrite:
    """One variable given a value; ``own_process`` when it is set in ``os.environ`` itself."""

    name: str
    value: Value
    conds: Conds
    origin: Origin
    function: FunctionInfo | None
    own_process: bool = False

    @property
    def is_prefix(self) -> bool:
        """The name goes on with something formatted in, as in ``SYSROOT_%s``."""
        return "\0" in self.name


def writes_in_map(cell: MapCell, function: FunctionInfo | None) -> Iterator[EnvWrite]:
    """``{"METAFLOW_X": value}`` and ``{"name": "METAFLOW_X", "value": value}``."""
    for entry in cell.entries:
        name = _name(entry.key)
        if name:
            yield EnvWrite(name, entry.value, entry.conds, entry.origin, function)
    by_key = {key_of(e.key): e for e in cell.entries if key_of(e.key)}
    named, valued = by_key.get("name"), by_key.get("value")
    if named is not None and valued is not None:
        name = _name(named.value)
        if name:
            yield EnvWrite(name, valued.value, named.conds, named.origin, function)


def writes_in_list(cell: ListCell, function: FunctionInfo | None) -> Iterator[EnvWrite]:
    """A pair ``("METAFLOW_X", value)``."""
    if len(cell.items) == 2 and cell.kind in ("tuple", "list"):
        name = _name(cell.items[0].value)
        if name:
            first, second = cell.items
            yield EnvWrite(name, second.value, first.conds, first.origin, function)


def writes_in_text(text: Text, function: FunctionInfo | None) -> Iterator[EnvWrite]:
    """``export METAFLOW_X=...``, ``METAFLOW_X=... python``, ``METAFLOW_X: ...`` of YAML."""
    for index, part in enumerate(text.parts):
        if not isinstance(part.content, str) or "METAFLOW_" not in part.content:
            continue
        for pattern in (_ASSIGNED, _LISTED):
            for match in pattern.finditer(part.content):
                tail = part.content[match.end() :].split("\n", 1)[0]
                value: Value = Unknown(frozenset(re.findall(r"\w+", tail)), "shell text")
                following = text.parts[index + 1] if index + 1 < len(text.parts) else None
                if not tail.strip("\"' ") and following is not None:
                    held = following.content
                    value = held if not isinstance(held, str) else value
                    if isinstance(held, str):
                        value = Text((following,))
                where = shift(part.origin, part.content, match.start(1))
                yield EnvWrite(match[1], value, part.conds, where, function)


def writes_in_event(event: Event) -> Iterator[EnvWrite]:
    """``something["METAFLOW_X"] = value``, ``.env("METAFLOW_X", value)``."""
    if event.kind == "setitem" and len(event.args) == 2:
        name = _name(event.args[0].value)
        if name:
            own = "environ" in _receiver_names(event)
            value = event.args[1].value
            yield EnvWrite(name, value, event.conds, event.origin, event.function, own)
        return
    if event.kind != "call":
        return
    short = event.name.rpartition(".")[2]
    if short in _READERS:
        return
    for key, value, conds, origin in event.kwargs:
        if key.startswith("METAFLOW_"):
            yield EnvWrite(key, value, conds, origin, event.function)
    given = {k: v for k, v, _, _ in event.kwargs}
    first = event.args[0].value if event.args else given.get("name")
    second = event.args[1].value if len(event.args) > 1 else given.get("value")
    name = _name(first)
    if name and second is not None and (_SETTER.search(short) or "name" in given):
        own = "environ" in _receiver_names(event)
        yield EnvWrite(name, second, event.conds, event.origin, event.function, own)


def _receiver_names(event: Event) -> frozenset[str]:
    receiver = event.receiver
    dotted = getattr(receiver, "name", "")
    names = names_in(receiver)
    return names | frozenset(dotted.split(".")) if isinstance(dotted, str) else names


def _name(value: Value | None) -> str | None:
    """The variable's name, ``\\0`` for what is formatted into it."""
    if not isinstance(value, Text):
        return None
    skeleton = value.skeleton()
    return skeleton if re.fullmatch(r"METAFLOW_[A-Z0-9_\0]+", skeleton) else None


def matches(write: EnvWrite, name: str) -> bool:
    """Whether *write* may set the variable *name* (exactly, or by its beginning)."""
    if write.is_prefix:
        return name.startswith(write.name.partition("\0")[0])
    return write.name == name


def reach(value: Value, cells: Mapping[int, Cell]) -> Iterator[Value]:
    """*value* and everything in it, lists and mappings opened."""
    waiting: list[Value] = [value]
    seen: set[int] = set()
    while waiting and len(seen) < 1000:
        current = waiting.pop()
        seen.add(id(current))
        yield current
        match current:
            case Text(parts=parts):
                waiting.extend(p.content for p in parts if not isinstance(p.content, str))
            case _ if hasattr(current, "options"):
                waiting.extend(v for _, v in current.options)
            case _ if hasattr(current, "cell"):
                cell = cells.get(current.cell)
                if isinstance(cell, ListCell):
                    waiting.extend(i.value for i in cell.items)
                elif isinstance(cell, MapCell):
                    waiting.extend(e.value for e in cell.entries)
                    waiting.extend(e.key for e in cell.entries if e.key is not None)
            case _:
                pass
