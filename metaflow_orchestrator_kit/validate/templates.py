"""Template files (Jinja, Mustache, shell, YAML) as strings with conditional parts."""

from __future__ import annotations

import re
from pathlib import Path

from metaflow_orchestrator_kit.validate.model.values import (
    Cond,
    Conds,
    Origin,
    Part,
    Text,
    fresh_id,
)
from metaflow_orchestrator_kit.validate.records import regex

_BLOCK = regex(
    r"\{%-?\s*(?P<word>if|elif|else|endif|for|endfor)\b(?P<rest>.*?)-?%\}|\{#.*?#\}", re.S
)
_COMMENT = regex(r"(?m)(?:^|(?<=\s))#(?!\{).*$")


def read_template(path: Path, relative: str) -> Text:
    """A template file as a string; what stands in ``{% if %}`` carries that condition.

    Raises:
        ValueError: it cannot be read as UTF-8.
    """
    try:
        source = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot be read as UTF-8: {error}") from error
    if not relative.endswith(".py.j2"):
        source = _COMMENT.sub(lambda m: " " * len(m[0]), source)
    return split(source, relative)


def split(source: str, relative: str) -> Text:
    """*source* as parts with conditions, one part a line so that positions are exact."""
    parts: list[Part] = []
    stack: list[Cond] = []
    position = 0
    for match in _BLOCK.finditer(source):
        parts.extend(_lines(source, position, match.start(), tuple(stack), relative))
        position = match.end()
        match match["word"]:
            case "if":
                stack.append(Cond(match["rest"].strip(), True, "if"))
            case "for":
                stack.append(Cond(match["rest"].strip(), True, "loop"))
            case "else" | "elif" if stack:
                stack[-1] = stack[-1].negated()
            case "endif" | "endfor" if stack:
                stack.pop()
            case _:
                pass
    parts.extend(_lines(source, position, len(source), (), relative))
    return Text(tuple(parts))


def _lines(source: str, start: int, end: int, conds: Conds, relative: str) -> list[Part]:
    found: list[Part] = []
    line = source.count("\n", 0, start) + 1
    for text in source[start:end].splitlines(keepends=True):
        found.append(Part(text, Origin(relative, line, 1, line), conds, fresh_id()))
        line += 1
    return found
