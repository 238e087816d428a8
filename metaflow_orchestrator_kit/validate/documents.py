"""Commands in YAML text: a container's arguments, one a line, and lines that YAML folds into one.

Read as shell, each line of a document is a command of its own. Here the lines that are one
command become one line, so that the words are found as anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from metaflow_orchestrator_kit.validate.model.strings import slice_part
from metaflow_orchestrator_kit.validate.model.values import Cond, Origin, Part, Text, both
from metaflow_orchestrator_kit.validate.records import record, regex, replace

_NOWHERE = Origin("", 1, 1, 1)
_WORTH = regex(r"(?m)^[ \t]*-[ \t]+[\"']?(?:step|init|dump)[\"']?[ \t]*$|>[-+]?[ \t]*$")
_FOLDED = regex(r"^\s*(?:-\s+)?(?:[\w.-]+:\s+)?>[-+]?\s*$")
_ITEM = regex(r"^(\s*)-\s+(?!\S+:(?:\s|$))(?=\S)")
_STATEMENT = regex(r"^\s*\{%-?\s*(if|for|elif|else|endif|endfor)\b(.*?)-?%\}\s*$")


@record()
class _Line:
    """A line of text: what it is made of, and the text with NUL for values."""

    parts: tuple[Part, ...]
    text: str

    @property
    def indent(self) -> int:
        return len(self.text) - len(self.text.lstrip(" "))


def flattened(text: Text) -> Text:
    """*text* with lists of arguments, and folded lines, each on a line of their own."""
    if not _WORTH.search(text.skeleton()):
        return text
    lines = list(_lines(text))
    parts: list[Part] = []
    at = 0
    while at < len(lines):
        length = _list_length(lines, at) or _folded_length(lines, at)
        group = lines[at : at + length] if length else lines[at : at + 1]
        for number, line in enumerate(_conditional(group) if length else group):
            if number:
                parts.append(_blank(" ", line))
            parts.extend(_bare(line) if length else line.parts)
        parts.append(_blank("\n", group[-1]))
        at += max(length, 1)
    return Text(tuple(parts))


def _lines(text: Text) -> Iterator[_Line]:
    parts: list[Part] = []
    for part in text.parts:
        if not isinstance(part.content, str):
            parts.append(part)
            continue
        start = 0
        while (end := part.content.find("\n", start)) >= 0:
            parts.append(slice_part(part, part.content, start, end))
            yield _line(parts)
            parts, start = [], end + 1
        if start < len(part.content):
            parts.append(slice_part(part, part.content, start, len(part.content)))
    if parts:
        yield _line(parts)


def _line(parts: Sequence[Part]) -> _Line:
    return _Line(tuple(parts), Text(tuple(parts)).skeleton())


def _list_length(lines: Sequence[_Line], at: int) -> int:
    """How many lines from here are elements of one list of words; 0 when it is no command."""
    first = _ITEM.match(lines[at].text)
    if first is None:
        return 0
    words: set[str] = set()
    length = 0
    for number, line in enumerate(lines[at:], 1):
        item = _ITEM.match(line.text)
        if item is not None and item[1] == first[1]:
            words.add(line.text[item.end() :].strip("\"' "))
            length = number
        elif line.text.strip() and not _STATEMENT.match(line.text):
            break
    return length if words & {"step", "init", "dump"} else 0


def _folded_length(lines: Sequence[_Line], at: int) -> int:
    """How many lines from here are folded into one; 0 when none are."""
    if not _FOLDED.match(lines[at].text):
        return 0
    length = 0
    for number, line in enumerate(lines[at + 1 :], 2):
        if line.text.strip() and line.indent <= lines[at].indent:
            break
        if line.text.strip():
            length = number
    return length


def _conditional(lines: Sequence[_Line]) -> Iterator[_Line]:
    """The lines that say something, with the conditions of the template's statements between."""
    stack: list[Cond] = []
    for line in lines:
        statement = _STATEMENT.match(line.text)
        if statement is None:
            conds = tuple(stack)
            yield replace(
                line, parts=tuple(replace(p, conds=both(conds, p.conds)) for p in line.parts)
            )
        elif statement[1] in ("if", "for"):
            kind = "if" if statement[1] == "if" else "loop"
            stack.append(Cond(statement[2].strip(), True, kind))
        elif stack and statement[1] in ("else", "elif"):
            stack[-1] = stack[-1].negated()
        elif stack:
            stack.pop()


def _bare(line: _Line) -> Iterator[Part]:
    """The line without the dash of a list's element, or the sign that lines are folded."""
    folded = _FOLDED.match(line.text)
    item = _ITEM.match(line.text)
    left = len(line.text) if folded else item.end() if item else 0
    for part in line.parts:
        length = len(part.content) if isinstance(part.content, str) else 1
        if left >= length:
            left -= length
        elif isinstance(part.content, str):
            yield slice_part(part, part.content, left, length)
            left = 0
        else:
            yield part


def _blank(text: str, line: _Line) -> Part:
    first = line.parts[0] if line.parts else None
    return Part(text, first.origin, first.conds, first.uid) if first else Part(text, _NOWHERE)
