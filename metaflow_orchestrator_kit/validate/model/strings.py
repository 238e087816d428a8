"""Strings that are partly known: formatting, joining, and the usual methods."""

from __future__ import annotations

import re
import string
import textwrap
from collections.abc import Callable, Sequence

from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Cond,
    Conds,
    Const,
    Item,
    Origin,
    Part,
    Text,
    Unknown,
    Value,
    both,
    fresh_id,
    options_of,
)
from metaflow_orchestrator_kit.validate.records import regex, replace

_PERCENT = regex(r"%(?:\((?P<key>[^)]*)\))?[-+ #0]*(?:\*|\d+)?(?:\.\d+)?(?P<kind>[a-zA-Z%])")


def parts_of(value: Value, origin: Origin, repr_: bool = False) -> tuple[Part, ...]:
    """*value* as it appears when formatted into a string.

    A hole that is filled with the ``repr`` of nothing (None, "") is there for the times when
    there is something: no branch of a generated program is dead because of it.
    """
    if repr_ and _is_nothing(value):
        return (Part(Unknown(origin=origin), origin, uid=fresh_id(), repr_=True),)
    if isinstance(value, Text):
        if not repr_:
            return value.parts
        literal = value.literal()
        if literal is not None:
            return (Part(repr(literal), value.origin() or origin, uid=fresh_id()),)
    if isinstance(value, Const) and isinstance(value.value, bool | int | float | None):
        return (Part(str(value.value), value.origin or origin, uid=fresh_id()),)
    if isinstance(value, Alt) and not repr_ and _worth_spelling_out(value):
        return tuple(
            replace(part, conds=both(conds, part.conds))
            for conds, option in value.options
            for part in parts_of(option, origin)
        )
    return (Part(value, origin, uid=fresh_id(), repr_=repr_),)


def _is_nothing(value: Value) -> bool:
    match value:
        case Const(value=None):
            return True
        case Text():
            return value.literal() == ""
        case _:
            return False


def _worth_spelling_out(value: Alt) -> bool:
    """Alternatives such as ``"--branch x"`` or ``""``: words of their own, not one word's value."""
    texts = [v for _, v in value.options if isinstance(v, Text)]
    if not texts or any(not isinstance(v, Text | Const) for _, v in value.options):
        return False
    skeletons = [t.skeleton("x") for t in texts]
    return any(not s.strip() or s.lstrip().startswith("-") or " " in s.strip() for s in skeletons)


def concatenate(values: Sequence[Value], origin: Origin) -> Text:
    return Text(tuple(part for value in values for part in parts_of(value, origin)))


def join_items(separator: Value, items: Sequence[Item], origin: Origin) -> Text:
    """``separator.join(items)``; an element's conditions become its parts' conditions."""
    glue = separator.literal() if isinstance(separator, Text) else None
    parts: list[Part] = []
    for item in items:
        if parts and (glue is None or glue):
            text: str | Value = glue if glue is not None else separator
            parts.append(Part(text, item.origin, item.conds, fresh_id()))
        kept = isinstance(item.value, Text)
        for part in parts_of(item.value, item.origin):
            uid = part.uid if kept else item.uid
            parts.append(replace(part, conds=both(item.conds, part.conds), uid=uid))
    return Text(tuple(parts))


def format_percent(template: Text, argument: Callable[[str | int], Value], origin: Origin) -> Text:
    """``template % values``; *argument* answers by key or position."""
    counter = 0

    def fill(literal: Part, text: str) -> list[Part]:
        nonlocal counter
        filled: list[Part] = []
        at = 0
        for match in _PERCENT.finditer(text):
            filled.append(slice_part(literal, text, at, match.start()))
            at = match.end()
            if match["kind"] == "%":
                filled.append(slice_part(literal, text, match.end() - 1, match.end()))
                continue
            key: str | int = counter
            if match["key"] is not None:
                key = match["key"]
            else:
                counter += 1
            here = slice_part(literal, text, match.start(), match.start()).origin
            value = argument(key)
            filled.extend(
                replace(p, conds=both(literal.conds, p.conds))
                for p in parts_of(value, here, match["kind"] in "ra")
            )
        filled.append(slice_part(literal, text, at, len(text)))
        return filled

    return _map_literals(template, fill)


def format_braces(template: Text, argument: Callable[[str | int], Value], origin: Origin) -> Text:
    """``template.format(...)``."""
    counter = 0

    def fill(literal: Part, text: str) -> list[Part]:
        nonlocal counter
        filled: list[Part] = []
        at = 0
        try:
            fields = list(string.Formatter().parse(text))
        except ValueError:
            return [literal]
        for before, name, _spec, conversion in fields:
            width = _raw_length(text, at, before)
            piece = slice_part(literal, text, at, at + width)
            filled.append(replace(piece, content=before))
            at += width
            if name is None:
                continue
            end = _field_end(text, at)
            here = slice_part(literal, text, at, at).origin
            at = end
            head = re.split(r"[.\[]", name, maxsplit=1)[0]
            if head == "":
                key: str | int = counter
                counter += 1
            else:
                key = int(head) if head.isdigit() else head
            value = argument(key)
            if head != name:
                value = Unknown(frozenset(re.findall(r"[A-Za-z_]\w*", name)), "a field's attribute")
            filled.extend(
                replace(p, conds=both(literal.conds, p.conds))
                for p in parts_of(value, here, conversion in ("r", "a"))
            )
        return filled

    return _map_literals(template, fill)


def _raw_length(text: str, at: int, cooked: str) -> int:
    """How many characters of *text* from *at* spell *cooked*, where ``{{`` spells ``{``."""
    length = 0
    for char in cooked:
        length += 2 if char in "{}" and text[at + length : at + length + 2] == char * 2 else 1
    return length


def _field_end(text: str, at: int) -> int:
    depth = 0
    for index in range(at, len(text)):
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index + 1
    return len(text)


def slice_part(part: Part, text: str, start: int, end: int) -> Part:
    """A stretch of a literal part, with its own line; it keeps the part's identity."""
    return Part(text[start:end], shift(part.origin, text, start), part.conds, part.uid)


def shift(origin: Origin, text: str, offset: int) -> Origin:
    """The place of ``text[offset]`` when *text* starts at *origin*."""
    newlines = text.count("\n", 0, offset)
    if not newlines:
        return origin
    last = max(origin.end_line, origin.line)
    return Origin(origin.path, min(origin.line + newlines, last), 1, last)


def _map_literals(text: Text, fill: Callable[[Part, str], list[Part]]) -> Text:
    parts: list[Part] = []
    for part in text.parts:
        if isinstance(part.content, str):
            parts.extend(p for p in fill(part, part.content) if p.content != "")
        else:
            parts.append(part)
    return Text(tuple(parts))


def transform(text: Text, change: Callable[[str], str]) -> Text:
    """A method such as ``upper`` or ``replace`` applied to what is known of the string."""
    return Text(
        tuple(
            replace(p, content=change(p.content)) if isinstance(p.content, str) else p
            for p in text.parts
        )
    )


def strip(text: Text, method: str, chars: str | None) -> Text:
    parts = list(text.parts)
    if parts and method != "rstrip" and isinstance(parts[0].content, str):
        before = parts[0].content
        after = before.lstrip(chars)
        moved = shift(parts[0].origin, before, len(before) - len(after))
        parts[0] = replace(parts[0], content=after, origin=moved)
    if parts and method != "lstrip" and isinstance(parts[-1].content, str):
        parts[-1] = replace(parts[-1], content=parts[-1].content.rstrip(chars))
    return Text(tuple(p for p in parts if p.content != ""))


def dedent(text: Text) -> Text:
    """``textwrap.dedent``; the margin is taken over the whole string."""
    if len(text.parts) == 1 and isinstance(text.parts[0].content, str):
        return transform(text, textwrap.dedent)
    plain = text.skeleton("\1")
    margin = min((len(ln) - len(ln.lstrip()) for ln in plain.splitlines() if ln.strip()), default=0)
    if not margin:
        return text
    blank = re.compile(rf"(?m)(?<=\n) {{{margin}}}")
    changed = transform(text, lambda s: blank.sub("", s))
    first = changed.parts[0]
    if isinstance(first.content, str):
        parts = (replace(first, content=re.sub(rf"^ {{{margin}}}", "", first.content)),)
        changed = Text((*parts, *changed.parts[1:]))
    return changed


def words(text: Text, origin: Origin) -> list[Item]:
    """``text.split()`` / ``shlex.split(text)``: the words, where the string is literal."""
    items: list[Item] = []
    current: list[Part] = []
    for part in text.parts:
        if not isinstance(part.content, str):
            current.append(part)
            continue
        at = 0
        for match in re.finditer(r"\s+", part.content):
            if match.start() > at:
                current.append(slice_part(part, part.content, at, match.start()))
            _flush(items, current)
            at = match.end()
        if at < len(part.content):
            current.append(slice_part(part, part.content, at, len(part.content)))
    _flush(items, current)
    return items


def _flush(items: list[Item], current: list[Part]) -> None:
    if current:
        conds: Conds = current[0].conds
        items.append(Item(Text(tuple(current)), current[0].origin, conds, fresh_id()))
        current.clear()


def truth(value: Value) -> bool | None:
    """Whether *value* is true, when that is certain."""
    match value:
        case Const(value=constant):
            return bool(constant)
        case Text(parts=parts):
            if any(isinstance(p.content, str) and p.content and not p.conds for p in parts):
                return True
            return False if not parts else None
        case Alt():
            answers = {truth(v) for _, v in options_of(value)}
            return answers.pop() if len(answers) == 1 else None
        case _:
            return None


__all__ = [
    "Cond",
    "concatenate",
    "dedent",
    "format_braces",
    "format_percent",
    "join_items",
    "parts_of",
    "shift",
    "slice_part",
    "strip",
    "transform",
    "truth",
    "words",
]
