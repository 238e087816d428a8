"""A run as people like to see it: a table that stays up to date, or a line per event.

On a terminal the table is drawn over itself; elsewhere, such as in a log, there is a line for
each attempt that starts or ends. Nothing here knows which scheduler it is.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from metaflow._vendor import click

from .progress import Observer, StepProgress, Task

#: Seconds between two looks at a run, at least.
INTERVAL = 1.0

#: How a command ends that has seen a run to its end; 1 and 2 are a command's own errors.
EXIT_CODES: Mapping[str, int] = {"SUCCEEDED": 0, "FAILED": 3, "ABORTED": 4}
UNKNOWN_END = 5
INTERRUPTED = 130

_COLOURS = {"SUCCEEDED": "green", "FAILED": "red", "ABORTED": "yellow"}
_UNDER_WAY = ("PENDING", "RUNNING")

_HEADINGS = ("tasks", "running", "done", "failed", "attempts", "time")


class AnyRun(Protocol):
    """What is needed of an engine's answer about a run."""

    @property
    def status(self) -> str:
        """PENDING, RUNNING, SUCCEEDED, FAILED or ABORTED."""

    @property
    def reason(self) -> str:
        """Why it failed or was ended."""

    @property
    def created(self) -> float:
        """Seconds since the epoch."""

    @property
    def finished(self) -> float | None:
        """Seconds since the epoch; None while it goes on."""


class _Screen(Protocol):
    def show(self, run: AnyRun, steps: tuple[StepProgress, ...], now: float) -> None: ...


def follow(
    look: Callable[[], AnyRun],
    observer: Observer,
    spec: str,
    say: Callable[..., None],
    *,
    live: bool | None = None,
) -> int:
    """Show a run until it has ended, or until the user presses Ctrl-C.

    Args:
        look: asks the scheduler how the run stands.
        observer: tells how far it has come.
        spec: the run, as `flow/run`.
        say: takes text for standard output, without a newline of its own.
        live: whether to draw a table over itself; by default, on a terminal that can.

    Returns:
        An exit code: see :data:`EXIT_CODES`; :data:`INTERRUPTED` when the user went away, which
        does nothing to the run.
    """
    screen = _Table(spec, say) if (is_live() if live is None else live) else _Lines(spec, say)
    over = False
    try:
        while not over:  # Somebody watches, who can go away at any time.
            began = time.monotonic()
            run = look()
            # The scheduler's word comes first, so that a run that has ended is shown as a whole.
            steps, now = observer.look(), time.time()
            over = run.status not in _UNDER_WAY
            if over:
                steps = tuple(step.settled(run.finished or now) for step in steps)
            screen.show(run, steps, now)
            if not over:
                # Looking at ten thousand tasks takes its time, and must not take all of it.
                time.sleep(max(INTERVAL, 3 * (time.monotonic() - began)))
    except KeyboardInterrupt:
        say(f"\nNobody watches any more; {spec} goes on.\n")
        return INTERRUPTED
    say(f"{spec} {verdict(run)}\n")
    return EXIT_CODES.get(run.status, UNKNOWN_END)


def is_live(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether standard output is a terminal on which lines can be drawn again."""
    return sys.stdout.isatty() and environment.get("TERM", "dumb") != "dumb"


def verdict(run: AnyRun) -> str:
    """How a run has ended, in a line."""
    took = f" after {clock(run.finished - run.created)}" if run.finished else ""
    reason = f": {' '.join(run.reason.split())}" if run.reason else ""
    return coloured(run.status, _COLOURS.get(run.status)) + took + reason


def clock(seconds: float) -> str:
    """A duration: `0:07`, `12:34`, `1:02:03`."""
    whole = max(0, int(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def coloured(text: str, colour: str | None) -> str:
    """A text in a colour, on a terminal whose user has nothing against it."""
    if colour is None or os.environ.get("NO_COLOR") or not is_live():
        return text
    return str(click.style(text, fg=colour))


def table(steps: Iterable[StepProgress], now: float, width: int) -> list[str]:
    """A line per step under a line of headings, none longer than `width`."""
    rows = [(step.name, _cells(step, now)) for step in steps]
    numbers = " ".join(f"{heading:>8}" for heading in _HEADINGS)
    room = max(8, width - len(numbers) - 1)
    longest = min(room, max([len("step"), *(len(name) for name, _ in rows)]))
    lines = [f"{'step':<{longest}} {numbers}"]
    for name, cells in rows:
        lines.append(f"{_cut(name, longest):<{longest}} " + " ".join(f"{c:>8}" for c in cells))
    return [line[:width].rstrip() for line in lines]


def _cells(step: StepProgress, now: float) -> tuple[str, ...]:
    if not step.tasks:
        return ("-",)
    counts = (len(step.tasks), step.running, step.done, step.failed, step.attempts)
    return (*map(str, counts), clock(step.seconds(now)))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


class _Table:
    """Draws the table over its predecessor."""

    def __init__(self, spec: str, say: Callable[..., None]) -> None:
        self._spec = spec
        self._say = say
        self._drawn = 0

    def show(self, run: AnyRun, steps: tuple[StepProgress, ...], now: float) -> None:
        size = shutil.get_terminal_size()
        head = f"{self._spec}  {run.status}  {clock((run.finished or now) - run.created)}"
        lines = [_cut(head, size.columns), *table(steps, now, size.columns)]
        if len(lines) > size.lines - 2:  # What has scrolled away cannot be drawn again.
            lines = [*lines[:2], *_most_recent(lines[2:], size.lines - 5)]
        again = f"\x1b[{self._drawn}A\x1b[J" if self._drawn else ""
        self._say(again + "".join(f"{line}\n" for line in lines))
        self._drawn = len(lines)


def _most_recent(rows: list[str], room: int) -> list[str]:
    """As many rows as there is room for, up to the last step that has started."""
    started = [number for number, row in enumerate(rows) if not row.endswith(" -")]
    end = min(len(rows), max(room, (started[-1] if started else 0) + 2))
    return [*rows[max(0, end - room) : end], f"and {len(rows) - min(room, len(rows))} more steps"]


class _Lines:
    """Says what has happened since the last look."""

    def __init__(self, spec: str, say: Callable[..., None]) -> None:
        self._say = say
        self._told: dict[tuple[str, str, int], bool] = {}
        self._last = ""
        self._spec = spec

    def show(self, run: AnyRun, steps: tuple[StepProgress, ...], now: float) -> None:
        if run.status != self._last and run.status in _UNDER_WAY:
            self._last = run.status
            self._say(f"{self._spec} {run.status}\n")
        happened = [event for step in steps for task in step.tasks for event in self._new(task)]
        for at, text in sorted(happened):
            self._say(f"{clock(at - run.created):>7} {text}\n")

    def _new(self, task: Task) -> list[tuple[float, str]]:
        events = []
        for attempt in task.attempts:
            key = (task.step, task.task_id, attempt.number)
            is_over = attempt.ended is not None and attempt.ok is not None
            if self._told.get(key) is is_over or self._told.get(key) is True:
                continue
            self._told[key] = is_over
            name = f"{task.step}/{task.task_id} attempt {attempt.number}"
            if attempt.ended is None or attempt.ok is None:
                events.append((attempt.started, f"{name} started"))
            else:
                word = "succeeded" if attempt.ok else "failed"
                took = attempt.ended - attempt.started
                events.append((attempt.ended, f"{name} {word} after {took:.1f} s"))
        return events


class Yielding(click.Option):  # type: ignore[misc]
    """An option of `trigger` that gives way to a parameter of the flow with the same name."""

    def add_to_parser(self, parser: Any, ctx: Any) -> None:
        """Take part in the command line, unless the flow needs the name."""
        if not self._yields(ctx):
            super().add_to_parser(parser, ctx)

    def get_help_record(self, ctx: Any) -> Any:
        """A line of `--help`, unless the flow needs the name."""
        return None if self._yields(ctx) else super().get_help_record(ctx)

    def _yields(self, ctx: Any) -> bool:
        others = (one for one in ctx.command.params if one is not self)
        return any(set(self.opts) & set(one.opts) for one in others)
