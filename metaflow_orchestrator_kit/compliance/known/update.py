"""Rewrites a known-failures file, and leaves alone what an author wrote there.

PyYAML says where each entry stands, so that lines are cut, one message is replaced, and new
entries are added at the end; nothing is written again from data. That keeps comments, order
and quoting without a further dependency. What results is read once more before it is stored.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from metaflow_orchestrator_kit.compliance.config import ConfigError
from metaflow_orchestrator_kit.compliance.known.entries import KnownFailure, Parsed, parse
from metaflow_orchestrator_kit.compliance.verdict import Result, Verdict

_HEADER = """\
# Cases that fail, and why. `message` is a part of the failure's message, `reason` says why it
# fails or links the issue. A case that passes, fails otherwise or does not run is an error.
"""

_VOLATILE = re.compile(r"\d{4}|0x|[0-9a-f]{8}|[/\\]")
"""What is likely to differ the next time: long numbers, addresses, tokens, paths."""

_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Update:
    """The new text of a file, and what is different."""

    text: str
    added: int
    changed: int
    removed: int

    def __str__(self) -> str:
        return f"{self.added} added, {self.changed} changed, {self.removed} removed"


def update(text: str, file: Path, results: Sequence[Result]) -> Update:
    """The text of a file that is true for these results.

    Args:
        text: of the file as it is; empty where there is none.
        file: its name, for messages.
        results: of a whole run, before known failures were told apart.

    Entries of cases that hold or no longer exist are removed; those of cases that did not
    apply to this run stay. New ones have an empty reason, for the author to fill in.

    Raises:
        ConfigError: the file cannot be read, or is written in a way that cannot be edited.
    """
    parsed = parse(text, file)
    by_case = {result.case: result for result in results}
    failing = {
        result.case: result
        for result in results
        if result.verdict in (Verdict.FAILED, Verdict.BLOCKED)
    }
    gone, other, wanted = [], [], []
    for one in parsed:
        result = by_case.get(one.entry.case)
        if result is None or result.verdict in (Verdict.PASSED, Verdict.REFUSED):
            gone.append(one)
        elif one.entry.case in failing and not one.entry.covers(result.message):
            other.append(one)
            wanted.append(replace(one.entry, message=fragment(result.message)))
        else:
            wanted.append(one.entry)
    listed = {one.entry.case for one in parsed}
    new = [
        KnownFailure(case, fragment(result.message), "")
        for case, result in failing.items()
        if case not in listed
    ]
    edited = _cut(_replace_messages(text, other, failing), gone)
    edited = _append(edited, new, indent=parsed[0].indent if parsed else 0)
    _check(edited, file, [*wanted, *new])
    return Update(edited, len(new), len(other), len(gone))


def store(text: str, file: Path) -> None:
    """Write the file, all or nothing.

    Raises:
        ConfigError: it cannot be written.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ConfigError(f"{file}: cannot be written ({error.strerror}).") from None


def fragment(message: str) -> str:
    """A part of a failure's message that is likely to come again, and to tell it from others.

    What was observed, or else what was looked at, or else the promise.
    """
    lines = message.strip().splitlines() or ["no message"]
    for title in ("observed", "looked at"):
        for number, line in enumerate(lines):
            if not line.startswith(title):
                continue
            value = line[len(title) :].strip() or " ".join(lines[number + 1 : number + 2]).strip()
            short = value[:_LONGEST].strip()
            if short and not _VOLATILE.search(short):
                return f"{title} {short}"
    return lines[0][:_LONGEST].strip()


def _replace_messages(text: str, entries: Sequence[Parsed], failing: dict[str, Result]) -> str:
    """From the last to the first, so that the earlier places stay true."""
    for one in sorted(entries, key=lambda each: each.message_span, reverse=True):
        start, end = one.message_span
        old = text[start:end]
        new = _quoted(fragment(failing[one.entry.case].message))
        # A message of several lines becomes one; the other entries must keep their lines.
        text = text[:start] + new + "\n" * old.count("\n") + text[end:]
    return text


def _cut(text: str, entries: Sequence[Parsed]) -> str:
    dropped = {number for one in entries for number in range(one.first_line, one.after)}
    lines = text.splitlines(keepends=True)
    return "".join(line for number, line in enumerate(lines) if number not in dropped)


def _append(text: str, entries: Sequence[KnownFailure], indent: int) -> str:
    if not entries:
        return text
    margin = " " * indent
    parts = [text if not text or text.endswith("\n") else text + "\n"]
    parts += [_HEADER] if not text.strip() else []
    for entry in entries:
        parts.append(
            f"{margin}- case: {entry.case}\n"
            f"{margin}  message: {_quoted(entry.message)}\n"
            f"{margin}  reason:\n"
        )
    return "".join(parts)


def _quoted(text: str) -> str:
    dumped: str = yaml.safe_dump(text, default_style='"', width=10_000, allow_unicode=True)
    return dumped.strip()


def _check(text: str, file: Path, wanted: Sequence[KnownFailure]) -> None:
    def plain(entries: Sequence[KnownFailure]) -> list[tuple[str, ...]]:
        return sorted((one.case, " ".join(one.message.split()), one.reason) for one in entries)

    try:
        found = [one.entry for one in parse(text, file)]
    except ConfigError:
        found = []
    if plain(found) != plain(wanted):
        raise ConfigError(
            f"{file}: is written in a way that cannot be updated; "
            "write each entry as '- case: …' with its other keys in lines of their own."
        )
