"""The Temporal engine at work: a real server, real workers, and what can happen to them."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from live_engine import Live
from scaffolded import Bench

#: Seconds of silence after which a task of these tests counts as lost. A worker whose processor is
#: taken away for longer loses its task, which is then made again: slow, and still right.
HEARTBEAT = "15"


@dataclass(slots=True)
class Stage:
    """A server and its workers, for the tests of a module.

    Attributes:
        bench: the scaffolded extension.
        module: its engine module.
        dev: its module that starts servers and workers.
        server: the server.
        folder: for databases and logs.
    """

    bench: Bench
    module: ModuleType
    dev: Any
    server: Any
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    hired: int = 0

    @classmethod
    def open(cls, bench: Bench, module: ModuleType, folder: Path) -> Stage:
        """Start a server, without workers."""
        dev = importlib.import_module(f"{module.__package__}.temporal_dev")
        server = dev.Server(folder)
        server.start()
        variables = {**server.settings, "METAFLOW_MY_SCHEDULER_HEARTBEAT": HEARTBEAT}
        return cls(replace(bench, variables=variables), module, dev, server, folder)

    @property
    def settings(self) -> dict[str, str]:
        """The variables of commands and workers."""
        return self.bench.environment

    @property
    def log(self) -> Path:
        """What the newest worker says."""
        return self.folder / f"worker-{self.hired}.log"

    def hire(self, *options: str, bench: Bench | None = None) -> subprocess.Popen[bytes]:
        """Start a worker; with a bench, one of its extension."""
        self.hired += 1
        bench = bench or self.bench
        with imports_of(bench):
            worker = self.dev.start_worker(bench.environment, self.log, "--drain", "0", *options)
        self.workers.append(worker)
        return worker  # type: ignore[no-any-return]

    def dismiss(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End all workers."""
        while self.workers:
            self.dev.end(self.workers.pop(), number)

    def close(self) -> None:
        """End everything."""
        self.dismiss()
        self.server.stop()


@contextlib.contextmanager
def imports_of(bench: Bench) -> Iterator[None]:
    """The extension on the import path of processes that are started now."""
    sys.path.insert(0, str(bench.project))
    try:
        yield
    finally:
        sys.path.remove(str(bench.project))


@dataclass(slots=True)
class TemporalLive(Live):
    """The Temporal engine for one test."""

    stage: Any = None
    engines: dict[int, Any] = field(default_factory=dict)

    @property
    def engine(self) -> Any:
        """An engine, the same as long as the server is: to start its helper takes a second."""
        pid = self.stage.server.pid
        if pid not in self.engines:
            self.engines[pid] = self.module.Engine(self.stage.settings)
        return self.engines[pid]

    def recorded(self, run_id: str, task_id: str) -> bool:
        """Whether the workflow has taken note of the end of a task."""
        return task_id in self.engine.progress(run_id)["finished"]

    def deliveries(self, run_id: str) -> int:
        """How often the server has given the first task of a run to a worker."""
        return asyncio.run(_deliveries(self.stage.settings["METAFLOW_MY_SCHEDULER_HOST"], run_id))

    def processes(self, word: str = "") -> list[tuple[int, str]]:
        """Processes of steps, of what they have started, with a word in their command line.

        Workers and their warm processes are nobody's in particular.
        """
        known = {worker.pid for worker in self.stage.workers}
        found = []
        for pid, line in self.bench.processes():
            if pid not in known and pid != self.stage.server.pid and not _serves(pid, line):
                found.append((pid, line))
        return [one for one in found if word in one[1]]

    def close(self) -> None:
        """End whatever goes on."""
        for run_id in self.runs:
            if self.engine.run(run_id) is not None:
                self.engine.terminate(run_id)
        for pid, _ in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


async def _deliveries(host: str, run_id: str) -> int:
    from temporalio.client import Client

    client = await Client.connect(host)
    async for event in client.get_workflow_handle(run_id).fetch_history_events():
        if event.HasField("activity_task_started_event_attributes"):
            return event.activity_task_started_event_attributes.attempt
    raise AssertionError(f"No task of {run_id} has been given to anybody.")


def older(bench: Bench, root: Path) -> Bench:
    """A bench with the same extension, whose kit-owned modules know no plan as new as ours.

    It shares everything else with the other bench, the datastore included.
    """
    shutil.copytree(bench.project, root / "project")
    (module,) = (root / "project").rglob("plan.py")
    text = module.read_text(encoding="utf-8")
    version = re.search(r"^VERSION = (\d+)$", text, re.MULTILINE)
    assert version is not None
    module.write_text(text.replace(version[0], f"VERSION = {int(version[1]) - 1}"), "utf-8")
    shared = {
        name: value
        for name, value in bench.environment.items()
        if name.startswith(("METAFLOW_", "KIT_"))
    }
    return Bench(root, variables=shared)


def _serves(pid: int, line: str) -> bool:
    """Whether it is a helper of a command, or a warm process, which leads no session; forks do."""
    if "temporal_gateway" in line:
        return True
    with contextlib.suppress(ProcessLookupError):
        return "warm import main" in line and os.getsid(pid) != pid
    return True
