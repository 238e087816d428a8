"""Measures the embedded engine against Metaflow's own local runtime, on this machine, in one run.

    python benchmarks/engine_speed.py [--tasks 1000] [--rounds 3] [--curve 100 1000 10000]

With two workers each: the wall time of a five-step flow, deploying and triggering not counted; the
throughput of a foreach of trivial tasks; and, for the engine alone, what a task costs as the
foreach becomes wider, with the memory of the process that drives the run. Other work on the machine
falsifies the figures: the load is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from metaflow_orchestrator_kit.scaffold import names, render, write

TYPE = "my_scheduler"
THROUGHPUT_GOAL = 4.0
WALL_GOAL = 0.6

LINEAR = """
from metaflow import FlowSpec, step


class Linear(FlowSpec):
    @step
    def start(self):
        self.x = 1
        self.next(self.a)

    @step
    def a(self):
        self.x += 1
        self.next(self.b)

    @step
    def b(self):
        self.x += 1
        self.next(self.c)

    @step
    def c(self):
        self.x += 1
        self.next(self.end)

    @step
    def end(self):
        assert self.x == 4


if __name__ == "__main__":
    Linear()
"""

FAN = """
from metaflow import FlowSpec, Parameter, step


class Fan(FlowSpec):
    width = Parameter("width", type=int, default=10)

    @step
    def start(self):
        self.items = list(range(self.width))
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.doubled = 2 * self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.sums = [each.doubled for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        assert self.sums == [2 * item for item in range(self.width)]


if __name__ == "__main__":
    Fan()
"""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the engine.

    Attributes:
        seconds: from its start to its end.
        memory: the largest resident set of the process that drove it, in MB.
    """

    seconds: float
    memory: float


class Bench:
    """A scaffolded extension on the import path, with state of its own.

    Args:
        root: an empty folder.
    """

    def __init__(self, root: Path) -> None:
        project = render.project(render.Answers(names.parse(TYPE), "embedded"))
        write.write(write.plan(project, root / "project", force=False))
        self._home = root / "home"
        self._flows = root / "flows"
        self._flows.mkdir()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("METAFLOW_")}
        self._environment = {
            **inherited,
            "PYTHONPATH": str(root / "project"),
            "METAFLOW_USER": "bench",
            "METAFLOW_HOME": str(root / "no-config"),
            "METAFLOW_DEFAULT_DATASTORE": "local",
            "METAFLOW_DEFAULT_METADATA": "local",
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(root / "datastore"),
            "METAFLOW_MY_SCHEDULER_HOME": str(self._home),
        }
        for name, source in (("linear", LINEAR), ("fan", FAN)):
            (self._flows / f"{name}.py").write_text(source)
            self._command(name, "--quiet", TYPE, "create", "--max-workers", "2")

    def _command(self, flow: str, *words: str) -> None:
        command = [sys.executable, str(self._flows / f"{flow}.py"), *words]
        subprocess.run(
            command,
            check=True,
            env=self._environment,
            cwd=self._flows,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def run_locally(self, flow: str, *values: str) -> float:
        """Seconds that `python flow.py run` takes."""
        # Metaflow prints a line per task, and refuses wide foreaches without being told.
        before = time.monotonic()
        self._command(
            *(flow, "--quiet", "run", "--max-workers", "2", "--max-num-splits", "100000", *values)
        )
        return time.monotonic() - before

    def run(self, flow: str, *values: str) -> Run:
        """Deployed and triggered: how long the run takes, from its start to its end."""
        file = self._flows / "run-id"
        self._command(flow, "--quiet", TYPE, "trigger", "--run-id-file", str(file), *values)
        run_id = file.read_text()
        memory = 0.0
        while True:
            with sqlite3.connect(self._home / "scheduler.sqlite", timeout=60) as database:
                state, created, finished = database.execute(
                    "SELECT state, created, finished FROM run WHERE run_id = ?", (run_id,)
                ).fetchone()
            database.close()
            memory = max(memory, _memory_of_executor(run_id))
            if finished is not None:
                assert state == "succeeded", f"run {run_id} has {state}"
                return Run(finished - created, memory)
            time.sleep(0.2)


def _memory_of_executor(run_id: str) -> float:
    """The largest resident set so far of the process that drives a run, in MB; 0 when gone."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if words[1:2] == [b"-m"] and run_id.encode() in words:
                for line in (folder / "status").read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        return int(line.split()[1]) / 1024
        except OSError:
            continue
    return 0.0


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def linear(bench: Bench, rounds: int) -> float:
    """Compare a five-step flow; the ratio of the medians of the wall times."""
    pairs = [(bench.run_locally("linear"), bench.run("linear").seconds) for _ in range(rounds)]
    local, engine = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio: float = engine / local
    print(f"five steps in a row, median of {rounds}: run {local:.2f} s, engine {engine:.2f} s")
    print(f"  {ratio:.2f} times the wall time (goal: at most {WALL_GOAL}); {_load()}", flush=True)
    return ratio


def foreach(bench: Bench, tasks: int) -> float:
    """Compare a foreach of trivial tasks; the ratio of the throughputs."""
    values = ("--width", str(tasks))
    local, engine = bench.run_locally("fan", *values), bench.run("fan", *values)
    ratio = local / engine.seconds
    print(f"foreach of {tasks}: run {local:.1f} s, engine {engine.seconds:.1f} s")
    print(f"  {ratio:.1f} times the throughput (goal: {THROUGHPUT_GOAL}); {_load()}", flush=True)
    return ratio


def curve(bench: Bench, widths: Sequence[int]) -> list[dict[str, float]]:
    """What a task costs in foreaches of several widths, and the memory of their runs."""
    points = []
    for width in widths:
        run = bench.run("fan", "--width", str(width))
        cost = 1000 * run.seconds / width
        print(
            f"{width:6} tasks: {run.seconds:7.1f} s, {cost:6.1f} ms per task, "
            f"executor {run.memory:.0f} MB; {_load()}",
            flush=True,
        )
        points.append({"tasks": width, "seconds": run.seconds, "memory_mb": run.memory})
    return points


def main() -> None:
    """Measure and print; exit code 1 when a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--curve", type=int, nargs="*", default=[100, 1000, 10000])
    parser.add_argument("--json", type=Path, default=None, help="Write the figures to this file.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="engine-speed-") as folder:
        bench = Bench(Path(folder))
        wall = linear(bench, options.rounds) if options.rounds else None
        throughput = foreach(bench, options.tasks) if options.tasks else None
        points = curve(bench, options.curve)
    if options.json is not None:
        figures = {"version": 1, "wall": wall, "throughput": throughput, "curve": points}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    missed = (wall or 0) > WALL_GOAL or (throughput or THROUGHPUT_GOAL) < THROUGHPUT_GOAL
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
