"""The values that the interpreter computes with.

Lists, mappings and objects are mutable in Python, so they live in a heap (`state.State`) as
immutable *cells* that a `Ref` names. Everything else is an immutable value.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from metaflow_orchestrator_kit.validate.records import record

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.modules import Module

_ids = itertools.count(1)


def fresh_id() -> int:
    """A number that no other part, item or cell of this process has."""
    return next(_ids)


class Origin(NamedTuple):
    """Where in the source tree something was written (1-based line and column)."""

    path: str
    line: int
    column: int
    end_line: int


class Cond(NamedTuple):
    """One condition on the way to a value.

    kind is ``if`` (a branch), ``loop`` (once per element, maybe never), ``except`` (an error
    path) or ``own`` (a test of the element at hand). ``subject`` names what the tested value was
    made from: an option that is left out when its own value is empty is recognised by it.
    """

    text: str
    holds: bool
    kind: str
    subject: frozenset[str] = frozenset()

    def negated(self) -> Cond:
        return Cond(self.text, not self.holds, self.kind, self.subject)


Conds = tuple[Cond, ...]


def contradict(left: Conds, right: Conds) -> bool:
    """Whether two sets of conditions cannot hold together."""
    return any(a.negated() == b for a in left for b in right)


@record()
class Unknown:
    """A value that could not be followed; names are the identifiers that it was made from."""

    names: frozenset[str] = frozenset()
    why: str = ""
    origin: Origin | None = None


NUMBER = "a number that is worked out"
"""Why a value is unknown that is certainly a whole number, or one with a fraction."""

COUNTER = "what itertools.count() answers"
"""Why a value is unknown whose every ``next()`` is a whole number."""


def is_number(value: Value) -> bool:
    """Whether *value* is certainly a number."""
    if isinstance(value, Const):
        return isinstance(value.value, int | float) and not isinstance(value.value, bool)
    return isinstance(value, Unknown) and value.why == NUMBER


@record()
class Const:
    """A constant that is not a string: number, None, bool, bytes."""

    value: object
    origin: Origin | None = None


@record()
class Part:
    """A stretch of a string: literal text, or a value formatted into it (`repr_` for ``!r``)."""

    content: str | Value
    origin: Origin
    conds: Conds = ()
    uid: int = 0
    repr_: bool = False


@record()
class Text:
    """A string, as far as it is known."""

    parts: tuple[Part, ...]

    def literal(self) -> str | None:
        """The whole string when every part is literal and unconditional."""
        if len(self.parts) == 1:  # Nearly every string, and this is asked all the time.
            part = self.parts[0]
            return part.content if isinstance(part.content, str) and not part.conds else None
        if any(not isinstance(p.content, str) or p.conds for p in self.parts):
            return None
        return "".join(p.content for p in self.parts if isinstance(p.content, str))

    def skeleton(self, hole: str = "\0") -> str:
        """The string with *hole* where a value is formatted in."""
        if len(self.parts) == 1:
            content = self.parts[0].content
            return content if isinstance(content, str) else hole
        return "".join(p.content if isinstance(p.content, str) else hole for p in self.parts)

    def origin(self) -> Origin | None:
        return self.parts[0].origin if self.parts else None


@record()
class Alt:
    """One of several values, each with the conditions under which it is the one."""

    options: tuple[tuple[Conds, Value], ...]


@record()
class Ref:
    """A list, mapping or object in the heap."""

    cell: int


@record()
class FunctionInfo:
    """A function or method of the project."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    module: Module
    owner: ClassInfo | None
    qualname: str

    def __hash__(self) -> int:
        return id(self.node)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FunctionInfo) and other.node is self.node


@record()
class ClassInfo:
    """A class of the project; bases are dotted names as written."""

    node: ast.ClassDef
    module: Module
    bases: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.node.name

    def __hash__(self) -> int:
        return id(self.node)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClassInfo) and other.node is self.node


@record()
class Function:
    """A callable of the project, bound to a receiver or closed over an environment."""

    info: FunctionInfo
    receiver: Value | None = None
    closure: Mapping[str, Value] | None = None

    def __hash__(self) -> int:
        return hash(self.info)


@record()
class Class:
    info: ClassInfo


@record()
class Bound:
    """A method of a list that was given a name of its own: ``emit = lines.append``."""

    receiver: Value
    name: str


@record()
class ModuleValue:
    """An imported module: of the project, or only known by its dotted name."""

    name: str
    module: Module | None = None


Value = Unknown | Const | Text | Alt | Ref | Function | Class | Bound | ModuleValue


@record()
class Item:
    """An element of a list; ``many`` is a splat whose elements are not known."""

    value: Value
    origin: Origin
    conds: Conds = ()
    uid: int = 0
    many: bool = False

    def under(self, conds: Conds) -> Item:
        if not conds:
            return self
        return Item(self.value, self.origin, both(conds, self.conds), self.uid, self.many)


@record()
class ListCell:
    items: tuple[Item, ...]
    kind: str  # list, tuple, set, generator
    origin: Origin


@record()
class Entry:
    """An entry of a mapping; ``key`` None is a merged-in mapping that could not be followed."""

    key: Value | None
    value: Value
    origin: Origin
    conds: Conds = ()
    uid: int = 0

    def under(self, conds: Conds) -> Entry:
        if not conds:
            return self
        return Entry(self.key, self.value, self.origin, both(conds, self.conds), self.uid)


@record()
class MapCell:
    entries: tuple[Entry, ...]
    origin: Origin


@record()
class ObjectCell:
    cls: ClassInfo | None
    attrs: Mapping[str, Value]
    origin: Origin


Cell = ListCell | MapCell | ObjectCell


def both(outer: Conds, inner: Conds) -> Conds:
    if not outer and len(inner) < 2:
        return inner
    if not inner and len(outer) < 2:
        return outer
    return tuple(dict.fromkeys((*outer, *inner)))[:8]


def text_of(literal: str, origin: Origin) -> Text:
    return Text((Part(literal, origin, uid=fresh_id()),))


def key_of(value: Value | None) -> str | None:
    """The literal string that *value* is, or None."""
    return value.literal() if isinstance(value, Text) else None


def names_in(value: Value | None) -> frozenset[str]:
    """Every identifier that *value* was made from, as far as it is not literal."""
    match value:
        case Unknown(names=names):
            return names
        case Text(parts=parts):
            found = [names_in(p.content) for p in parts if not isinstance(p.content, str)]
            return frozenset[str]().union(*found)
        case Alt(options=options):
            return frozenset[str]().union(*(names_in(v) for _, v in options))
        case _:
            return frozenset()


def options_of(value: Value) -> tuple[tuple[Conds, Value], ...]:
    """The alternatives of *value*; itself when there is only one."""
    return value.options if isinstance(value, Alt) else (((), value),)
