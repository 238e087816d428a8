"""A run as a picture: a lane per task, a bar per attempt, as SVG in the page's colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from metaflow_orchestrator_kit.compliance.grammar import several

_WIDTH = 720
_LABEL = 190
_LANE = 18
_TOP = 22
_MOST = 40
"""A fan-out may have a thousand tasks; the picture says how many it leaves out."""

_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 36000)


def timeline(run: Mapping[str, Any]) -> str:
    """The picture of an entry of ``runs`` in a report; empty where there is nothing to draw.

    Failed attempts are told from good ones by a cross as well as by the colour, and attempts
    that never ended by an open end.
    """
    drawn = [task for task in run["tasks"] if task["attempts"]]
    if not drawn:
        return ""
    lanes, left_out = drawn[:_MOST], len(drawn) - _MOST
    last = max(_ends(drawn), default=0.0)
    span = max(last, 0.5)
    height = _TOP + _LANE * (len(lanes) + (left_out > 0)) + 6
    parts = [
        f'<svg class="timeline" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(_words(run, drawn))}">'
    ]
    parts += _axis(span, height)
    for number, task in enumerate(lanes):
        parts += _lane(task, _TOP + _LANE * number, span)
    if left_out > 0:
        top = _TOP + _LANE * len(lanes) + 13
        rest = several(left_out, "more task", "more tasks")
        parts.append(f'<text class="lane" x="0" y="{top}">… and {rest}</text>')
    return "\n".join([*parts, "</svg>"])


def _ends(tasks: Sequence[Mapping[str, Any]]) -> Iterator[float]:
    for task in tasks:
        for attempt in task["attempts"]:
            yield attempt["start"] if attempt["end"] is None else attempt["end"]


def _words(run: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> str:
    attempts = several(sum(len(task["attempts"]) for task in tasks), "attempt", "attempts")
    return f"Timeline of {run['scenario']}: {several(len(tasks), 'task', 'tasks')}, {attempts}"


def _x(seconds: float, span: float) -> float:
    return round(_LABEL + (_WIDTH - _LABEL - 14) * seconds / span, 1)


def _axis(span: float, height: int) -> Iterator[str]:
    step = next((step for step in _STEPS if span / step <= 8), span)
    for number in range(int(span / step) + 1):
        x = _x(number * step, span)
        yield f'<line class="grid" x1="{x}" y1="{_TOP - 6}" x2="{x}" y2="{height}"/>'
        yield f'<text class="tick" x="{x}" y="11">{number * step:g} s</text>'


def _lane(task: Mapping[str, Any], top: int, span: float) -> Iterator[str]:
    index = "".join(f"[{number}]" for number in task["index"])
    name = f"{task['step']}{index}"
    shown = name if len(name) <= 26 else name[:25] + "…"
    yield f'<text class="lane" x="0" y="{top + 13}">{escape(shown)}</text>'
    for attempt in task["attempts"]:
        yield from _bar(task, attempt, top, span)


def _bar(
    task: Mapping[str, Any], attempt: Mapping[str, Any], top: int, span: float
) -> Iterator[str]:
    start, end, good = attempt["start"], attempt["end"], attempt["successful"]
    left = _x(start, span)
    right = _x(span if end is None else end, span)
    kind = "open" if end is None else "good" if good else "bad"
    what = {"open": "never ended", "good": "succeeded", "bad": "failed"}[kind]
    until = "" if end is None else f" to {end:g} s"
    title = f"{task['step']} {task['id']}, attempt {attempt['number']}: {what}, {start:g}{until}"
    width = max(4.0, round(right - left, 1))
    yield (
        f'<rect class="{kind}" x="{left}" y="{top + 3}" width="{width}" height="12" rx="2">'
        f"<title>{escape(title)}</title></rect>"
    )
    if kind == "bad":
        x, y = left + width + 3, top + 5
        yield f'<path class="cross" d="M{x:g} {y}l8 8m0-8l-8 8"/>'
