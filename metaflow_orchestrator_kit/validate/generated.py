"""Programs inside strings: code that the extension writes out and somebody runs later.

A string that parses as Python once its placeholders are filled in is a module of its own. Its
values keep their identity: a list formatted in with ``%r`` is that list. Positions lead back to
the string literals that the lines came from.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Iterator

from metaflow_orchestrator_kit.validate.model.strings import shift
from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Origin,
    Part,
    Ref,
    Text,
    Unknown,
    Value,
    names_in,
)
from metaflow_orchestrator_kit.validate.project import Module, parse_source
from metaflow_orchestrator_kit.validate.records import record, regex

_CODE = regex(r"^\s*(?:def |import |from \w+ import|[\w.]+\s*(?::[^=\n]+)?\+?=\s|cmd\b)", re.M)
_WORTH = regex(r"""["'](?:step|init|dump)["']|METAFLOW_|--run-id""")
_PLACEHOLDERS: tuple[tuple[str, str], ...] = (
    (r"\{\{-?\s*([\w.\[\]'\"| ]*?)\s*-?\}\}", "jinja"),
    (r"(?<![{\w])\{(\w*)(?:![rsa])?(?::[^{}]*)?\}(?!\})", "format"),
    (r"%\((\w+)\)[srd]", "percent"),
    (r"\$\{?([A-Za-z_]\w*)\}?", "template"),
    (r"__([A-Z][A-Z0-9_]*)__", "token"),
)
MAX_TEXT = 200_000
"""Characters of a string that may be a program; what is longer is data."""
_JINJA_STATEMENT = regex(r"(?m)^\s*\{%.*?%\}\s*$")


@record()
class Generated:
    """A module found in a string: where its lines are, and what its placeholders stand for."""

    module: Module
    place: Callable[[int, int], Origin]
    names: dict[str, Value]
    uids: frozenset[int]


def looks_like_code(text: Text) -> bool:
    """Whether it is worth trying to parse a string as Python."""
    plain = text.skeleton("x")
    if len(plain) > MAX_TEXT:
        return False
    return "\n" in plain and bool(_WORTH.search(plain)) and bool(_CODE.search(plain))


def parse(text: Text, number: int) -> Generated | None:
    """Read a string as Python; None when it is something else."""
    for world in _worlds(text):
        rendered, starts, names = _render(world)
        for attempt in readings(rendered):
            try:
                module = parse_source(attempt, f"<generated {number}>", f"\0generated{number}")
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            if _is_prose(module.tree):
                return None
            place = _placer(rendered, starts)
            return Generated(module, place, names, frozenset(p.uid for p in text.parts))
    return None


def _worlds(text: Text) -> Iterator[Text]:
    """The string with everything in it, then with one side of each alternative."""
    yield text
    if not any(p.conds for p in text.parts):
        return
    named = {c for p in text.parts for c in p.conds}
    two_sided = {c for c in named if c.negated() in named}
    for wanted in (True, False):
        left_out = {c for c in two_sided if c.holds is not wanted}
        yield Text(tuple(p for p in text.parts if left_out.isdisjoint(p.conds)))


def _is_prose(tree: ast.Module) -> bool:
    return all(isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant) for n in tree.body)


def _render(text: Text) -> tuple[str, list[tuple[int, Part]], dict[str, Value]]:
    """The source with an identifier in each hole; where each part starts; what the holes are."""
    pieces: list[str] = []
    starts: list[tuple[int, Part]] = []
    names: dict[str, Value] = {}
    length = 0
    for part in text.parts:
        starts.append((length, part))
        if isinstance(part.content, str):
            piece = part.content
        else:
            piece = f"mok_hole_{len(names)}"
            names[piece] = _as_code(part)
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces), starts, names


def _as_code(part: Part) -> Value:
    """What a hole evaluates to in the generated program.

    ``%r`` of a list is that list; anything else is text of which we only know the names.
    """
    value = part.content
    if isinstance(value, str):
        return Unknown()
    if part.repr_ or isinstance(value, Ref):
        return value
    if isinstance(value, Alt):
        return Unknown(names_in(value), "a value formatted into a program")
    return value


def readings(source: str) -> Iterator[str]:
    """The source as it stands, then with the placeholders of one notation after another.

    Notations that are not in it change nothing, and what was read once is not read again: what is
    no Python takes the parser twice as long as what is.
    """
    base = textwrap.dedent(source)
    yield base
    seen = {base}
    filled = _JINJA_STATEMENT.sub("", base)
    for pattern, notation in _PLACEHOLDERS:
        candidate = re.sub(pattern, lambda m: f"mok_{_identifier(m[1])}", filled)
        if notation == "format":
            candidate = candidate.replace("{{", "{").replace("}}", "}")
        if candidate not in seen:
            seen.add(candidate)
            yield candidate


def _identifier(text: str) -> str:
    return re.sub(r"\W+", "_", text).strip("_") or "x"


def _placer(source: str, starts: list[tuple[int, Part]]) -> Callable[[int, int], Origin]:
    """Maps a line of the generated program to the literal that the line came from."""
    origins: list[Origin] = []
    position = 0
    index = 0
    for line in source.split("\n"):
        first = position + (len(line) - len(line.lstrip()))
        while index + 1 < len(starts) and starts[index + 1][0] <= first:
            index += 1
        begin, part = starts[index]
        content = part.content if isinstance(part.content, str) else ""
        origins.append(shift(part.origin, content, max(first - begin, 0)))
        position += len(line) + 1

    def place(line: int, column: int) -> Origin:
        origin = origins[min(line, len(origins)) - 1]
        return origin._replace(column=column if origin.column == 1 else origin.column)

    return place


def code_lines(texts: list[Text], origin: Origin) -> Text | None:
    """A list of source lines as one program, or None when they are not."""
    if len(texts) < 3:
        return None
    parts: list[Part] = []
    for text in texts:
        if parts:
            parts.append(Part("\n", text.parts[0].origin if text.parts else origin, (), 0))
        parts.extend(text.parts)
    joined = Text(tuple(parts))
    return joined if looks_like_code(joined) else None
