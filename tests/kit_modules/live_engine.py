"""An engine at work: flows deployed by real commands, runs driven by its own processes."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from scaffolded import FLOWS, PATIENCE, TYPE, Bench, make_bench

OVER = ("SUCCEEDED", "FAILED", "ABORTED")


def load_engine(bench: Bench) -> ModuleType:
    """The engine module of a scaffolded extension, with nothing put on the import path."""
    package = f"engine_of_{bench.project.parent.name}"
    folder = bench.project / "metaflow_extensions/my_scheduler/plugins/my_scheduler"
    spec = importlib.util.spec_from_file_location(
        package, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    sys.modules[package] = importlib.util.module_from_spec(spec)
    return importlib.import_module(f"{package}.my_scheduler_engine")


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """What a condition comes to, once it comes to anything."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        time.sleep(0.05)
    return found


def fill(disk: Path) -> Path:
    """Leave no room on a disk; the file that takes it all."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    return filler


@dataclass(slots=True)
class Live:
    """An engine for one test, and what its runs leave behind.

    Attributes:
        bench: the scaffolded extension.
        module: its engine module.
        folder: an empty folder of the test, for what tasks write.
    """

    bench: Bench
    module: ModuleType
    folder: Path
    runs: list[str] = field(default_factory=list)

    @property
    def engine(self) -> Any:
        """An engine as a new process would make it."""
        return self.module.Engine()

    def variable(self, name: str) -> str:
        """A setting of the scaffolded extension."""
        return f"METAFLOW_MY_SCHEDULER_{name}"

    def deploy(self, flow: str, *options: str, name: str | None = None) -> str:
        """Deploy a flow once per name; answer the name of the deployment."""
        wanted = name or flow.capitalize()
        if self.engine.deployment(wanted) is None:
            self.command(flow, "create", *options, name=name)
        return wanted

    def command(
        self, flow: str, *words: str, name: str | None = None, top: tuple[str, ...] = ()
    ) -> str:
        """Run a command of the group on a copy of a flow; answer its standard output.

        Args:
            flow: name of the flow.
            words: the command and its options.
            name: name of the deployment.
            top: options before the group.
        """
        named = ("--name", name) if name else ()
        done = self.bench.run(self.flow(flow), *top, TYPE, *named, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def flow(self, flow: str) -> Path:
        """A flow file in a folder of its own."""
        path = self.folder / flow / f"{flow}.py"
        if not path.exists():
            path.parent.mkdir()
            shutil.copy(FLOWS / f"{flow}.py", path)
        return path

    def request(self, **parameters: object) -> Any:
        """A new run, with a folder of its own for its tasks to write to."""
        run_id = f"{TYPE}-{self.folder.name}-{len(self.runs)}"
        self.runs.append(run_id)
        self.notes(run_id).mkdir()
        values = {key: str(value).lower() for key, value in parameters.items()}
        return self.module.RunRequest(run_id, {"folder": str(self.notes(run_id)), **values})

    def start(self, name: str, **parameters: object) -> str:
        """Start a run; answer its id."""
        request = self.request(**parameters)
        self.engine.start(name, request)
        run_id: str = request.run_id
        return run_id

    def notes(self, run_id: str) -> Path:
        """The folder that the tasks of a run write to."""
        return self.folder / run_id

    def let_go(self, run_id: str, name: str = "go") -> None:
        """Let a held task end, or tell it something else."""
        (self.notes(run_id) / name).touch()

    def has_begun(self, run_id: str) -> None:
        """Wait until the step of a run of `solo` runs."""
        wait_until((self.notes(run_id) / "begun").exists, "the step begins")

    def marks(self, run_id: str) -> list[dict[str, Any]]:
        """What the tasks of a run of `work` have said."""
        file = self.notes(run_id) / "marks"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def marked(self, run_id: str, step: str, event: str) -> list[tuple[int | None, int]]:
        """`(item, attempt)` of every task of a step that has said something."""
        return [
            (mark["item"], mark["attempt"])
            for mark in self.marks(run_id)
            if (mark["step"], mark["event"]) == (step, event)
        ]

    def recorded(self, run_id: str, task_id: str) -> bool:
        """Whether the engine has taken note of the end of a task."""
        events = self.engine._store.events(run_id)
        return any(getattr(event, "task_id", "") == task_id for event in events)

    def finished(self, run_id: str) -> Any:
        """Wait for the end of a run."""

        def look() -> Any:
            run = self.engine.run(run_id)
            return run if run.status in OVER else None

        return wait_until(look, f"the end of {run_id}")

    def half_done(self, name: str) -> str:
        """A run of the deployed `work` whose first item is recorded, and whose second has begun."""
        run_id = self.start(name, width=2, hold=True)
        self.let_go(run_id, "go0")
        wait_until(lambda: self.recorded(run_id, "t-body-0"), "the first item is recorded")
        wait_until(lambda: (1, 0) in self.marked(run_id, "body", "begin"), "the second item begins")
        return run_id

    def goes_on_where_it_was(self, run_id: str) -> None:
        """After an interruption of :meth:`half_done`: one attempt is repeated, and nothing else."""
        wait_until(
            lambda: self.marked(run_id, "body", "begin").count((1, 0)) == 2,
            "the interrupted attempt is made again, under its number",
        )
        self.ends_well(run_id)

    def ends_well(self, run_id: str) -> None:
        """Let the second item of :meth:`half_done` end: no step has run again after its success."""
        self.let_go(run_id, "go1")
        assert self.finished(run_id).status == "SUCCEEDED"
        assert self.marked(run_id, "start", "begin") == [(None, 0)]
        assert self.marked(run_id, "body", "begin").count((0, 0)) == 1
        assert self.marked(run_id, "body", "end") == [(0, 0), (1, 0)]
        assert self.marked(run_id, "end", "begin") == [(None, 0)]

    def processes(self, word: str = "") -> list[tuple[int, str]]:
        """Processes that this test led to, with a word in their command line."""
        return [one for one in self.bench.processes(self.mark) if word in one[1]]

    @property
    def mark(self) -> str:
        """In the environment of all processes of this test."""
        return f"KIT_TEST={self.folder}"

    def no_process_is_left(self) -> None:
        """Wait until nothing runs any more that this test led to."""
        wait_until(lambda: not self.processes(), f"no process: {self.processes()}")

    def close(self) -> None:
        """End whatever goes on."""
        for run_id in self.runs:
            if self.engine.run(run_id) is not None:
                self.engine.terminate(run_id)
        for pid, _ in self.processes():
            os.kill(pid, signal.SIGKILL)


def live_outside_pytest(root: Path) -> Live:
    """An extension and its engine for a program of its own, which gets their environment.

    Args:
        root: an empty folder.
    """
    for name in [name for name in os.environ if name.startswith("METAFLOW_")]:
        del os.environ[name]
    bench = make_bench(root / "bench")
    (root / "work").mkdir()
    live = Live(bench, load_engine(bench), root / "work")
    os.environ.update(bench.environment)
    os.environ.update([live.mark.split("=", 1)])
    return live
