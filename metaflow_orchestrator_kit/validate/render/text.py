"""The report for people: a line for each rule, the problems under it, and the result."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from functools import lru_cache

from metaflow_orchestrator_kit.validate.findings import Finding, Note, Outcome, Report, Verdict
from metaflow_orchestrator_kit.validate.render.frame import frame

_COLOURS = {
    Verdict.PASS: "32",
    Verdict.FAIL: "31",
    Verdict.UNSURE: "33",
    Verdict.NOT_APPLICABLE: "2",
    Verdict.ACCEPTED: "2",
}
_WORDS = {
    Verdict.PASS: "PASS",
    Verdict.FAIL: "FAIL",
    Verdict.UNSURE: "UNSURE",
    Verdict.NOT_APPLICABLE: "N/A",
    Verdict.ACCEPTED: "ACCEPT",
}
_WIDTH = 78
_INDENT = " " * 7


def render(report: Report, colour: bool = False, statistics: bool = False) -> str:
    """The whole report as text; *statistics* adds how often each rule is broken."""
    lines: list[str] = []
    for outcome in report.outcomes:
        lines.extend(_outcome(report, outcome, colour))
    if report.skipped:
        names = [f"{s.path} ({s.reason})" for s in report.skipped[:8]]
        more = len(report.skipped) - len(names)
        text = f"Left out: {', '.join(names)}" + (f" and {more} more" if more else "")
        lines.extend(("", *textwrap.wrap(text, _WIDTH, subsequent_indent="  ")))
    for text in report.lost[:5]:
        lines.extend(textwrap.wrap(f"Not followed: {text}", _WIDTH, subsequent_indent="  "))
    for text in report.remarks:
        lines.extend(textwrap.wrap(text, _WIDTH, subsequent_indent="  "))
    if statistics and report.findings:
        broken = [(len(o.findings), f"{o.code} {o.name}") for o in most_broken(report)]
        lines.extend(("", *(f"{count:6}  {name}" for count, name in broken)))
    lines.extend(("", summary(report)))
    return "\n".join(lines) + "\n"


def summary(report: Report) -> str:
    """``Results: 8 passed, 1 failed``, with what else there is to count."""
    counts = report.counts
    shown = (Verdict.PASS, "passed"), (Verdict.FAIL, "failed"), (Verdict.UNSURE, "unsure")
    parts = [f"{counts[verdict]} {word}" for verdict, word in shown]
    if counts[Verdict.NOT_APPLICABLE]:
        parts.append(f"{counts[Verdict.NOT_APPLICABLE]} not applicable")
    if counts[Verdict.ACCEPTED]:
        parts.append(f"{counts[Verdict.ACCEPTED]} accepted")
    return f"Results: {', '.join(parts)}"


def most_broken(report: Report) -> list[Outcome]:
    """The rules that are broken, those with the most findings first."""
    return sorted(
        (o for o in report.outcomes if o.findings), key=lambda o: (-len(o.findings), o.code)
    )


def _outcome(report: Report, outcome: Outcome, colour: bool) -> Iterator[str]:
    word = _WORDS[outcome.verdict].ljust(6)
    if colour:
        word = f"\033[{_COLOURS[outcome.verdict]}m{word}\033[0m"
    clauses = f" [{', '.join(outcome.clauses)}]" if outcome.clauses else ""
    yield f"{word} {outcome.code} {outcome.name}{clauses}"
    for finding in outcome.findings:
        yield from _finding(report, finding)
    if outcome.accepted:
        places = ", ".join(f"{f.path}:{f.line}" for f in outcome.accepted[:3])
        more = len(outcome.accepted) - 3
        yield from _wrapped(f"let pass: {places}{f' and {more} more' if more > 0 else ''}", _INDENT)
    if outcome.verdict is Verdict.UNSURE:
        for note in outcome.unsure[:5]:
            yield from _note(note)
    elif outcome.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE):
        for note in outcome.evidence[:1]:
            yield from _note(note)


def _finding(report: Report, finding: Finding) -> Iterator[str]:
    yield f"{_INDENT}{finding.path}:{finding.line}:{finding.column}"
    yield from (_INDENT + line for line in frame(report, finding, _WIDTH - len(_INDENT)))
    yield from _wrapped(finding.message, _INDENT)
    yield from _wrapped(f"Fix: {finding.help}", _INDENT)


def _note(note: Note) -> Iterator[str]:
    where = f"{note.path}:{note.line}: " if note.path != "." else ""
    yield from _wrapped(where + note.text, _INDENT)


@lru_cache(maxsize=1024)
def _wrapped(text: str, indent: str) -> Sequence[str]:
    # The same fix is advised in many places, and most texts fit.
    if len(text) + len(indent) <= _WIDTH and text.isprintable() and text == text.strip() != "":
        return [indent + text]
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
