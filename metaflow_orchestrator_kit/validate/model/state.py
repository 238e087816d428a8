"""The interpreter's store: variables, heap and the conditions on the way here; and how two meet."""

from __future__ import annotations

from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Cell,
    Cond,
    Conds,
    Entry,
    Item,
    ListCell,
    MapCell,
    ObjectCell,
    Part,
    Ref,
    Text,
    Unknown,
    Value,
    both,
    fresh_id,
    names_in,
    options_of,
)
from metaflow_orchestrator_kit.validate.records import field, record, replace

MAX_OPTIONS = 12
MAX_ITEMS = 2000
#: Copying so many elements of a list or mapping is a step of work.
ITEMS_A_STEP = 4


@record(frozen=False)
class State:
    """What is known at one point of a function. Copied where paths part, merged where they meet.

    ``written`` holds the cells changed since the state was forked from ``base``: where two paths
    meet, nothing else can differ.
    """

    env: dict[str, Value] = field(default_factory=dict)
    heap: dict[int, Cell] = field(default_factory=dict)
    path: Conds = ()
    written: set[int] = field(default_factory=set)
    base: State | None = None

    def fork(self, *conds: Cond) -> State:
        return State(dict(self.env), dict(self.heap), (*self.path, *conds), set(), self)

    def store(self, number: int, cell: Cell) -> None:
        self.heap[number] = cell
        self.written.add(number)

    def written_since(self, depth: int) -> set[int]:
        """The cells changed since the path was *depth* conditions long."""
        found = set(self.written)
        state = self.base
        while state is not None and len(state.path) > depth:
            found |= state.written
            state = state.base
        return found

    def before(self, depth: int) -> State | None:
        """The state that paths parted from when the path was *depth* conditions long."""
        state: State | None = self
        while state is not None and len(state.path) > depth:
            state = state.base
        return state


def join(a: State | None, b: State | None, depth: int) -> State | None:
    """The state after two paths that parted when the path was *depth* conditions long."""
    if a is None:
        return b
    if b is None:
        return a
    ca, cb = a.path[depth:], b.path[depth:]
    changed = a.written_since(depth) | b.written_since(depth)
    heap = merge_heaps(a.heap, ca, b.heap, cb, changed)
    start = a.before(depth)
    kept = start.written if start is not None else set()
    merged = State({}, heap, a.path[:depth], kept | changed, start.base if start else None)
    env = dict(a.env)
    for name, value in b.env.items():
        known = env.get(name)
        if known is None:
            env[name] = value
        elif known is not value and known != value:
            env[name] = merge_references(merged, known, ca, value, cb)
    merged.env = env
    return merged


def merge_references(merged: State, a: Value, ca: Conds, b: Value, cb: Conds) -> Value:
    """Like `merge_values`, and two lists that begin alike become one with conditional elements."""
    if isinstance(a, Ref) and isinstance(b, Ref) and a != b:
        first, second = merged.heap.get(a.cell), merged.heap.get(b.cell)
        if isinstance(first, ListCell) and isinstance(second, ListCell):
            alike = first.items and second.items and first.items[0].uid == second.items[0].uid
            if alike and first.kind == second.kind:
                items = merge_items(first.items, ca, second.items, cb)
                number = fresh_id()
                merged.store(number, replace(first, items=items))
                return Ref(number)
    return merge_values(a, ca, b, cb)


def merge_heaps(
    a: dict[int, Cell], ca: Conds, b: dict[int, Cell], cb: Conds, changed: set[int]
) -> dict[int, Cell]:
    """The cells after two paths; *a* is used up."""
    for number in changed:
        cell = b.get(number)
        if cell is None:
            continue
        known = a.get(number)
        if known is None:
            a[number] = cell
        elif known is not cell:
            a[number] = _merge_cells(known, ca, cell, cb)
    return a


def merge_values(a: Value, ca: Conds, b: Value, cb: Conds) -> Value:
    """A value that is *a* under *ca* and *b* under *cb*."""
    if a == b:
        return a
    if isinstance(a, Unknown) and isinstance(b, Unknown):
        return Unknown(a.names | b.names, a.why or b.why, a.origin or b.origin)
    if isinstance(a, Text) and isinstance(b, Text):
        merged = _merge_text(a, ca, b, cb)
        if merged is not None:
            return merged
    options = [(both(ca, c), v) for c, v in options_of(a)]
    for conds, value in options_of(b):
        if all(value != known for _, known in options):
            options.append((both(cb, conds), value))
    if len(options) > MAX_OPTIONS:
        names = frozenset[str]().union(*(names_in(v) for _, v in options))
        return Unknown(names, "too many alternatives")
    return Alt(tuple(options))


def _merge_text(a: Text, ca: Conds, b: Text, cb: Conds) -> Text | None:
    """One string with conditional parts, when the two share a beginning."""
    head = _common([p.uid for p in a.parts], [p.uid for p in b.parts])
    if not head:
        return None
    tail = _common(
        [p.uid for p in reversed(a.parts[head:])], [p.uid for p in reversed(b.parts[head:])]
    )
    return Text(
        (
            *a.parts[:head],
            *(_part_under(p, ca) for p in a.parts[head : len(a.parts) - tail]),
            *(_part_under(p, cb) for p in b.parts[head : len(b.parts) - tail]),
            *a.parts[len(a.parts) - tail :],
        )
    )


def _part_under(part: Part, conds: Conds) -> Part:
    return replace(part, conds=both(conds, part.conds)) if conds else part


def _common(a: list[int], b: list[int]) -> int:
    count = 0
    for left, right in zip(a, b, strict=False):
        if left != right:
            break
        count += 1
    return count


def _merge_cells(a: Cell, ca: Conds, b: Cell, cb: Conds) -> Cell:
    if isinstance(a, ListCell) and isinstance(b, ListCell):
        return replace(a, items=merge_items(a.items, ca, b.items, cb))
    if isinstance(a, MapCell) and isinstance(b, MapCell):
        return replace(a, entries=_merge_entries(a.entries, ca, b.entries, cb))
    if isinstance(a, ObjectCell) and isinstance(b, ObjectCell):
        attrs = dict(a.attrs)
        for name, value in b.attrs.items():
            attrs[name] = merge_values(attrs[name], ca, value, cb) if name in attrs else value
        return replace(a, attrs=attrs)
    return a


def merge_items(a: tuple[Item, ...], ca: Conds, b: tuple[Item, ...], cb: Conds) -> tuple[Item, ...]:
    """The elements of a list that is *a* on one path and *b* on the other."""
    head = _common([i.uid for i in a], [i.uid for i in b])
    rest_a, rest_b = a[head:], b[head:]
    tail = _common([i.uid for i in reversed(rest_a)], [i.uid for i in reversed(rest_b)])
    end_a, end_b = len(rest_a) - tail, len(rest_b) - tail
    merged = (
        *a[:head],
        *(i.under(ca) for i in rest_a[:end_a]),
        *(i.under(cb) for i in rest_b[:end_b]),
        *rest_a[end_a:],
    )
    return merged[:MAX_ITEMS]


def _merge_entries(
    a: tuple[Entry, ...], ca: Conds, b: tuple[Entry, ...], cb: Conds
) -> tuple[Entry, ...]:
    in_b = {e.uid for e in b}
    in_a = {e.uid for e in a}
    merged = (
        *(e if e.uid in in_b else e.under(ca) for e in a),
        *(e.under(cb) for e in b if e.uid not in in_a),
    )
    return merged[:MAX_ITEMS]
