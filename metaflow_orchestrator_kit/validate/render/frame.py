"""The line of source that a finding points at, with a caret under the column."""

from __future__ import annotations

import unicodedata

from metaflow_orchestrator_kit.validate.findings import Finding, Report

_BEFORE = 24
_AFTER = 16
"""How much of a long line is kept before the caret, and after it."""
_CUT = "…"


def frame(report: Report, finding: Finding, width: int) -> list[str]:
    """Two lines of at most *width* columns, or none where there is no source to show."""
    text = report.line(finding)
    if text is None or not text.strip():
        return []
    text = _printable(text)
    column = min(max(finding.column, 1), len(text)) - 1
    indent = len(text) - len(text.lstrip())
    # What everybody indents by tells nothing.
    start = min(indent, column)
    number = str(finding.line)
    room = width - len(number) - 3
    if column - start >= room - _AFTER:
        start = max(column - _BEFORE, 0)
    shown = text[start:]
    if start > indent:
        shown = _CUT + shown[1:]
    shown = _fitting(shown, room)
    before = _columns(shown[: column - start])
    return [f"{number} | {shown.rstrip()}", f"{' ' * len(number)} | {' ' * before}^"]


def _fitting(text: str, room: int) -> str:
    if _columns(text.rstrip()) <= room:
        return text
    used = 1
    for position, character in enumerate(text):
        used += _columns(character)
        if used > room:
            return text[:position] + _CUT
    return text


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _printable(text: str) -> str:
    """One character for each: tabs are spaces, and nothing reaches the terminal as a command."""
    if text.isprintable():
        return text
    return "".join(" " if c == "\t" else c if c.isprintable() else "·" for c in text)
