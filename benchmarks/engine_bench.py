"""An extension on the embedded engine, and its runs measured from outside, for `engine_speed`."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from metaflow_orchestrator_kit.scaffold import names, render, write

TYPE = "my_scheduler"

#: Seconds between two looks at a run.
_LOOK = 0.2

_TICKS = os.sysconf("SC_CLK_TCK")

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
    """A run, by `python flow.py run` or of the engine.

    Attributes:
        seconds: from its start to its end.
        cpu: seconds of processor time of everything that belongs to it.
        runner_cpu: how much of that is of the process that drives it, alone.
        memory: the largest resident set of the process that drives it, in MB.
        complete: whether it came to its end; otherwise its time was up.
        tasks: how many attempts had ended by then.
    """

    seconds: float
    cpu: float
    runner_cpu: float = 0.0
    memory: float = 0.0
    complete: bool = True
    tasks: int = 0


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
        subprocess.run(
            [sys.executable, str(self._flows / f"{flow}.py"), *words],
            check=True,
            env=self._environment,
            cwd=self._flows,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def run_locally(self, flow: str, *values: str) -> Run:
        """What `python flow.py run` takes."""
        before, spent = time.monotonic(), _spent_by_children()
        # Metaflow prints a line per task, and refuses wide foreaches without being told.
        self._command(
            *(flow, "--quiet", "run", "--max-workers", "2", "--max-num-splits", "100000", *values)
        )
        return Run(time.monotonic() - before, _spent_by_children() - spent)

    def run(self, flow: str, *values: str, limit: float | None = None) -> Run:
        """What a deployed and triggered run takes, from its start to its end.

        Args:
            flow: name of the flow.
            values: its parameters.
            limit: seconds after which the run is terminated.
        """
        file = self._flows / "run-id"
        self._command(flow, "--quiet", TYPE, "trigger", "--run-id-file", str(file), *values)
        run_id, begun = file.read_text(), time.monotonic()
        cpu = runner_cpu = memory = 0.0
        while True:
            state, seconds, tasks = self._look(run_id)
            own, all_of_it, resident = _usage(run_id)
            cpu, runner_cpu = max(cpu, all_of_it), max(runner_cpu, own)
            memory = max(memory, resident)
            if seconds is not None:
                assert state == "succeeded", f"run {run_id} has {state}"
                return Run(seconds, cpu, runner_cpu, memory, tasks=tasks)
            if limit is not None and time.monotonic() - begun > limit:
                self._command(flow, "--quiet", TYPE, "terminate", run_id)
                spent = time.monotonic() - begun
                return Run(spent, cpu, runner_cpu, memory, complete=False, tasks=tasks)
            time.sleep(_LOOK)

    def _look(self, run_id: str) -> tuple[str, float | None, int]:
        """State of a run, its seconds when it has ended, and how many attempts have."""
        database = sqlite3.connect(self._home / "scheduler.sqlite", timeout=60)
        try:
            state, created, finished = database.execute(
                "SELECT state, created, finished FROM run WHERE run_id = ?", (run_id,)
            ).fetchone()
            (tasks,) = database.execute(
                "SELECT count(*) FROM event WHERE run_id = ?", (run_id,)
            ).fetchone()
        finally:
            database.close()
        return state, None if finished is None else finished - created, tasks

    def processes(self, within: float = 30.0) -> list[int]:
        """What of the engine runs although no run does; those that are ending get some time."""
        mark = f"METAFLOW_MY_SCHEDULER_HOME={self._home}".encode()
        deadline = time.monotonic() + within
        while (found := _started_with(mark)) and time.monotonic() < deadline:
            time.sleep(_LOOK)
        return found


def _spent_by_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _usage(run_id: str) -> tuple[float, float, float]:
    """Processor seconds of the process that drives a run, of the whole run, and resident MB.

    The whole run is that process with its children, and with theirs that have ended.
    """
    driver = next((f for f in _folders() if _drives(f, run_id)), None)
    if driver is None:
        return 0.0, 0.0, 0.0
    own, with_children, _ = _times(driver)
    below = [_times(folder) for folder in _folders()]
    rest = sum(total for _, total, parent in below if parent == int(driver.name))
    return own, with_children + rest, _resident(driver)


def _folders() -> list[Path]:
    return list(Path("/proc").glob("[0-9]*"))


def _drives(folder: Path, run_id: str) -> bool:
    try:
        words = (folder / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[1:2] == [b"-m"] and run_id.encode() in words


def _times(folder: Path) -> tuple[float, float, int]:
    """Processor seconds of a process, with those of ended children, and its parent (proc(5))."""
    try:
        fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0, -1
    user, system, of_children, of_their_system = (int(ticks) / _TICKS for ticks in fields[11:15])
    return user + system, user + system + of_children + of_their_system, int(fields[1])


def _resident(folder: Path) -> float:
    """The largest resident set of a process so far, in MB."""
    try:
        for line in (folder / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def _started_with(mark: bytes) -> list[int]:
    found = []
    for folder in _folders():
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found
