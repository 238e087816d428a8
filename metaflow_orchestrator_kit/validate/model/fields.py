"""What objects of the project hold, between the place that makes one and the place that reads it.

A compiler fills ``Plan(options=[...])``; another module, in another process, reads
``plan.options``. The values given to a field at every construction are remembered, and answer for
an object that came from elsewhere, when they say something about options or variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate.model import containers
from metaflow_orchestrator_kit.validate.model.state import merge_values
from metaflow_orchestrator_kit.validate.model.values import (
    Cell,
    ClassInfo,
    Cond,
    ListCell,
    MapCell,
    Ref,
    Text,
    Value,
    key_of,
    names_in,
    options_of,
)

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.frame import Frame


def remember(frame: Frame, cls: ClassInfo, attrs: Mapping[str, Value]) -> None:
    """Note the fields of an object that was just made, and what they were made from."""
    for attr, value in attrs.items():
        names = deep_names(frame, value)
        if names:
            frame.vm.filled.setdefault(attr, set()).update(names)
        telling_options = [v for _, v in options_of(value) if telling(frame, v)]
        if not telling_options:
            continue
        cells = containers.snapshot(frame, telling_options)
        known = frame.vm.fields.setdefault((cls, attr), [])
        repeated = any(_same(frame, cells, v, k) for v in telling_options for k in known)
        if len(known) < 4 and not repeated:
            frame.vm.globals_heap.update(cells)
            known.extend(telling_options)


def stored(frame: Frame, cls: ClassInfo | None, attr: str, current: Value | None) -> Value | None:
    """What a field holds by the places that fill it, when the object at hand does not tell."""
    if cls is None or (current is not None and telling(frame, current)):
        return None
    for owner in frame.vm.project.ancestry(cls):
        known = frame.vm.fields.get((owner, attr))
        if known:
            value = known[0]
            for number, other in enumerate(known[1:], 2):
                cond = Cond(f"{owner.name}.{attr} from place {number}", True, "if")
                value = merge_values(value, (cond.negated(),), other, (cond,))
            return value
        frame.vm.asked.add((owner, attr))
    return None


def deep_names(frame: Frame, value: Value, depth: int = 0) -> frozenset[str]:
    """The identifiers that a value was made from, those of its elements included."""
    names = names_in(value)
    if depth > 2:
        return names
    for _, option in options_of(value):
        cell = frame.cell(option)
        if isinstance(cell, ListCell):
            inner = [i.value for i in cell.items[:40]]
        elif isinstance(cell, MapCell):
            inner = [e.value for e in cell.entries[:40]]
        else:
            continue
        names = names.union(*(deep_names(frame, v, depth + 1) for v in inner))
    return names


def telling(frame: Frame, value: Value, depth: int = 0) -> bool:
    """Whether a value is a list or mapping with literal options or variables in it."""
    if depth > 3 or not isinstance(value, Ref):
        return False
    cell = frame.cell(value)
    if isinstance(cell, ListCell):
        return any(
            _is_option(i.value) or telling(frame, i.value, depth + 1) for i in cell.items[:40]
        )
    if isinstance(cell, MapCell):
        return any((key_of(e.key) or "").startswith(("METAFLOW_", "--")) for e in cell.entries)
    return False


def _is_option(value: Value) -> bool:
    return isinstance(value, Text) and value.skeleton().startswith("--")


def _same(frame: Frame, cells: Mapping[int, Cell], a: Value, b: Value) -> bool:
    """Whether two values were written at the same place."""
    first = cells.get(a.cell) if isinstance(a, Ref) else None
    second = frame.vm.globals_heap.get(b.cell) if isinstance(b, Ref) else None
    return first is not None and second is not None and first.origin == second.origin
