"""The table by capability, and the line that counts every verdict."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import NOT_RUN
from metaflow_orchestrator_kit.compliance.verdict import RED, Result, Verdict, count

_COLOURS = {
    Verdict.PASSED: "32",
    Verdict.REFUSED: "32",
    Verdict.FAILED: "31;1",
    Verdict.ERROR: "31;1",
    Verdict.FIXED: "31",
    Verdict.BLOCKED: "33",
    Verdict.KNOWN_FAILURE: "33",
    Verdict.DISABLED: "2",
    Verdict.NOT_RUN: "33",
}


def render(
    results: Sequence[Result],
    *,
    colour: bool = False,
    width: int = 80,
    notes: Mapping[str, str] | None = None,
) -> str:
    """A line per capability with its verdict and its cases, then the counts.

    Args:
        results: of all cases.
        colour: whether verdicts are coloured.
        width: of a line.
        notes: what the extension says about its support of a capability.
    """
    lines = [f"{'capability':<18} {'':<9} {'verdict':<14} cases", "-" * min(width, 80)]
    for name, kind in groups(results):
        own = [result for result in results if result.cap == name]
        verdict = overall(own)
        if verdict is None:
            lines.append(f"{name:<18} {kind:<9} {'no cases':<14} -")
        else:
            word = paint(f"{verdict.value:<14}", verdict, colour)
            first, *more = textwrap.wrap(_short(own), width - 44)
            lines.append(f"{name:<18} {kind:<9} {word} {first}")
            lines += [" " * 44 + part for part in more]
        lines += textwrap.wrap(
            (notes or {}).get(name, ""), width, initial_indent="    ", subsequent_indent="    "
        )
    rule = "-" * min(width, 80)
    lines += [rule, *left_out(results, width)]
    return "\n".join([*lines, counts(results, colour=colour, width=width)])


def left_out(results: Iterable[Result], width: int = 80) -> list[str]:
    """Lines on the cases that would apply and were not run, by reason."""
    reasons: dict[str, list[str]] = {}
    for result in results:
        if result.verdict is Verdict.DISABLED and result.message.startswith(NOT_RUN):
            reasons.setdefault(result.message.removeprefix(NOT_RUN), []).append(result.case)
    said = [f"Not run: {', '.join(cases)} ({why})." for why, cases in reasons.items()]
    return [line for text in said for line in textwrap.wrap(text, width, subsequent_indent="  ")]


def groups(results: Iterable[Result]) -> list[tuple[str, str]]:
    """What the results are grouped by: every capability with its kind, and what is none."""
    found = {cap.name: "required" if cap.required else "optional" for cap in Cap}
    others = dict.fromkeys(result.cap for result in results if result.cap not in found)
    return [*found.items(), *((name, "") for name in others)]


def overall(results: Iterable[Result]) -> Verdict | None:
    """The verdict that a group of cases amounts to: the worst one; None for no cases.

    What did not run weighs more than what passed, and what does not apply least of all.
    """
    weight = [
        Verdict.ERROR,
        Verdict.FAILED,
        Verdict.FIXED,
        Verdict.BLOCKED,
        Verdict.NOT_RUN,
        Verdict.KNOWN_FAILURE,
        Verdict.PASSED,
        Verdict.REFUSED,
        Verdict.DISABLED,
    ]
    found = {result.verdict for result in results}
    return next((verdict for verdict in weight if verdict in found), None)


def counts(results: Iterable[Result], *, colour: bool = False, width: int = 80) -> str:
    """All verdicts with their numbers, zeros too: ``12 passed, 0 failed, …``."""
    lines, column = [""], 0
    for verdict, number in count(results).items():
        word = f"{number} {verdict.value}"
        if column + len(word) + 3 > width:
            lines, column = [*lines, ""], 0
        separator = ", " if column else ""
        lines[-1] += separator + paint(word, verdict, colour and number > 0)
        column += len(separator) + len(word)
    return ",\n".join(lines)


def failures(results: Sequence[Result], *, colour: bool = False) -> str:
    """The red cases with their whole messages."""
    parts = []
    for result in results:
        if result.verdict in RED and result.verdict is not Verdict.BLOCKED:
            head = paint(f"{result.verdict.value.upper()} {result.case}", result.verdict, colour)
            parts.append(f"{head}  ({result.cap})\n{_indent(result.message)}\n")
    return "\n".join(parts)


def paint(text: str, verdict: Verdict, colour: bool) -> str:
    """The text in the colour of a verdict."""
    return f"\x1b[{_COLOURS[verdict]}m{text}\x1b[0m" if colour else text


def _short(results: Sequence[Result]) -> str:
    numbers = {verdict: number for verdict, number in count(results).items() if number}
    if len(numbers) == 1:
        return str(len(results))
    return ", ".join(f"{number} {verdict.value}" for verdict, number in numbers.items())


def _indent(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
