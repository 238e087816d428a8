"""Measures the embedded engine against Metaflow's own local runtime, on this machine, in one run.

    python benchmarks/engine_speed.py [--tasks 1000] [--rounds 3] [--curve 100 10000] [--minutes 15]

With two workers each: the wall time of a five-step flow, deploying and triggering not counted; the
throughput of a foreach of trivial tasks; and, for the engine alone, what a task costs as the
foreach becomes wider, with the memory of the process that drives the run. Other work on the machine
falsifies wall times, and processor time hardly: both are shown, and the load. When the minutes are
over the widest foreach is ended, and counts with the tasks that it has done.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from engine_bench import Bench, Run

THROUGHPUT_GOAL = 4.0
WALL_GOAL = 0.6

#: How much more processor time a task of the widest foreach may take than one of the narrowest.
GROWTH_GOAL = 1.25

#: Seconds that a foreach gets at least, whatever is left of the time.
_LEAST = 30.0


@dataclass(frozen=True, slots=True)
class Point:
    """A foreach on the curve: how many items it was to have, and what its run took."""

    width: int
    run: Run

    @property
    def wall(self) -> float:
        """Milliseconds per task."""
        return 1000 * self.run.seconds / max(self.run.tasks, 1)

    @property
    def cpu(self) -> float:
        """Milliseconds of processor time per task, of everything together."""
        return 1000 * self.run.cpu / max(self.run.tasks, 1)

    def show(self) -> None:
        """Print a line."""
        runner = 1000 * self.run.runner_cpu / max(self.run.tasks, 1)
        cut = "" if self.run.complete else f", ended after {self.run.tasks} tasks: time was up"
        print(
            f"  {self.width:6} wide: {self.run.seconds:6.1f} s; per task {self.wall:5.1f} ms, "
            f"processor {self.cpu:5.1f} ms\n"
            f"{'':15} runner {runner:.1f} ms per task, {self.run.memory:.0f} MB; {_load()}{cut}",
            flush=True,
        )


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()}"


def linear(bench: Bench, rounds: int) -> float:
    """Compare a five-step flow; the ratio of the medians of the wall times."""
    pairs = [(bench.run_locally("linear"), bench.run("linear")) for _ in range(rounds)]
    local, engine = (
        statistics.median(run.seconds for run in runs) for runs in zip(*pairs, strict=True)
    )
    ratio: float = engine / local
    print(f"five steps in a row, median of {rounds}: run {local:.2f} s, engine {engine:.2f} s")
    print(f"  {ratio:.2f} times the wall time (goal: at most {WALL_GOAL}); {_load()}", flush=True)
    return ratio


def foreach(bench: Bench, tasks: int) -> tuple[float, Point]:
    """Compare a foreach of trivial tasks; the ratio of the throughputs, and the engine's run."""
    values = ("--width", str(tasks))
    engine, local = bench.run("fan", *values), bench.run_locally("fan", *values)
    ratio = local.seconds / engine.seconds
    print(f"foreach of {tasks}: run {local.seconds:.1f} s, engine {engine.seconds:.1f} s")
    print(f"  {ratio:.1f} times the throughput (goal: {THROUGHPUT_GOAL}); {_load()}")
    print(
        f"  processor time: run {local.cpu:.1f} s, engine {engine.cpu:.1f} s, "
        f"{local.cpu / engine.cpu:.1f} times less",
        flush=True,
    )
    return ratio, Point(tasks, engine)


def curve(bench: Bench, widths: Sequence[int], known: Sequence[Point], end: float) -> list[Point]:
    """What a task costs in foreaches of several widths, and the memory of their runs."""
    print("the engine alone, by the width of the foreach:", flush=True)
    points = list(known)
    for point in known:
        point.show()
    for width in sorted(set(widths) - {point.width for point in known}):
        left = max(end - time.monotonic(), _LEAST)
        points.append(Point(width, bench.run("fan", "--width", str(width), limit=left)))
        points[-1].show()
    return sorted(points, key=lambda point: point.width)


def growth(points: Sequence[Point]) -> float | None:
    """How much more processor time a task takes in the widest foreach than in the narrowest."""
    if len(points) < 2:
        return None
    ratio = points[-1].cpu / points[0].cpu
    print(f"  {ratio:.2f} times the processor time per task from narrowest to widest ", end="")
    print(f"(goal: at most {GROWTH_GOAL})", flush=True)
    return ratio


def idle(bench: Bench) -> int:
    """How many processes are left when nothing runs; none can use a processor."""
    left = len(bench.processes())
    print(f"processes that are left when nothing runs: {left} (goal: 0)", flush=True)
    return left


def main() -> None:
    """Measure and print; exit code 1 when a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--curve", type=int, nargs="*", default=[100, 10000])
    parser.add_argument("--minutes", type=float, default=15.0, help="Time for all of it.")
    parser.add_argument("--json", type=Path, default=None, help="Write the figures to this file.")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    wall, throughput, known = None, None, []
    with tempfile.TemporaryDirectory(prefix="engine-speed-") as folder:
        bench = Bench(Path(folder))
        if options.rounds:
            wall = linear(bench, options.rounds)
        if options.tasks:
            throughput, point = foreach(bench, options.tasks)
            known.append(point)
        points = curve(bench, options.curve, known, end)
        grown, left = growth(points), idle(bench)
    if options.json is not None:
        figures = {
            "version": 2,
            "wall": wall,
            "throughput": throughput,
            "growth": grown,
            "processes_left": left,
            "curve": [{"width": point.width, **asdict(point.run)} for point in points],
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    missed = (
        (wall or 0) > WALL_GOAL
        or (throughput or THROUGHPUT_GOAL) < THROUGHPUT_GOAL
        or (grown or 0) > GROWTH_GOAL
        or left > 0
    )
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
