"""Python inside shell scripts: what ``python3 << 'EOF'`` is given to run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.model.strings import slice_part
from metaflow_orchestrator_kit.validate.model.values import Part, Text
from metaflow_orchestrator_kit.validate.records import regex

_PYTHON = regex(
    r"^[^#\n]*\bpython[\d.]*\b[^\n]*<<-?[ \t]*[\"']?(\w+)[\"']?[^\n]*\n(.*?)^[ \t]*\1[ \t]*$",
    re.M | re.S,
)


def python_in(text: Text) -> Iterator[Text]:
    """The programs of a script's here-documents; their parts keep the places they come from."""
    plain = text.skeleton("\0")
    if "<<" not in plain:
        return
    for found in _PYTHON.finditer(plain):
        yield Text(tuple(_between(text, *found.span(2))))


def _between(text: Text, start: int, end: int) -> Iterator[Part]:
    """The parts from one character of the text to another; a value counts as one."""
    at = 0
    for part in text.parts:
        content = part.content
        length = len(content) if isinstance(content, str) else 1
        first, last = max(start - at, 0), min(end - at, length)
        if first < last:
            yield slice_part(part, content, first, last) if isinstance(content, str) else part
        at += length
