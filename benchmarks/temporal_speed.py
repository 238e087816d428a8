"""Measures what the Temporal engine puts between two tasks, against empty activities.

    python benchmarks/temporal_speed.py [--steps 20] [--rounds 3]

Both on one development server, in turn: the time between the end of a step's process and the start
of the next one in a chain, and the time between the end of an empty activity and the start of the
next one. Other work on the machine makes both longer; the ratio of the medians is what counts.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import itertools
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from metaflow_orchestrator_kit.scaffold import names, render, write

GOAL = 1.5

TYPE = "my_temporal"
_PACKAGE = f"metaflow_extensions.{TYPE}.plugins.{TYPE}"

#: Gaps at the start of a chain that do not count: nothing is warm yet.
_WARMING = 2

#: Seconds for a run, and for a step, on a machine that has other things to do.
_PATIENCE, _PATIENCE_OF_A_STEP = 900, 120

_FLOW = """
import os, sys, time

if "step" in sys.argv:
    line = f"{{os.getpid()}} {{time.time()}} {{os.environ['METAFLOW_RUN_ID']}}\\n"
    os.write(os.open(os.environ["BENCH_NOTES"], os.O_WRONLY), line.encode())

from metaflow import FlowSpec, step

class Chain(FlowSpec):
{steps}

if __name__ == "__main__":
    Chain()
"""


@workflow.defn(name="bench-empty")
class Empty:
    """A chain of activities that do nothing."""

    @workflow.run
    async def run(self, number: int) -> None:
        """Run them one after the other."""
        for _ in range(number):
            await workflow.execute_activity(
                "bench-nothing", start_to_close_timeout=timedelta(minutes=5)
            )


@dataclass(frozen=True, slots=True)
class Place:
    """A server, a worker and a deployed chain.

    Attributes:
        folder: for the flow, and for what it stores.
        settings: the environment of commands.
        host: the server.
        notes: a pipe with a name, to which each process of a step says its id and its start.
        steps: how many steps the chain has.
    """

    folder: Path
    settings: dict[str, str]
    host: str
    notes: Path
    steps: int

    def command(self, *words: str) -> None:
        """`python chain.py my_temporal ...`.

        Raises:
            RuntimeError: it fails; the message has what it said.
        """
        done = subprocess.run(
            [sys.executable, "chain.py", "--no-pylint", TYPE, *words],
            cwd=self.folder,
            env=self.settings,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)

    def chain(self) -> list[float]:
        """Run the chain; the seconds between the end of a step and the start of the next."""
        with ThreadPoolExecutor(1) as watch:
            watched = watch.submit(_watched, self.notes, self.steps)
            # Without --wait: a command that looks at the run takes its part of the processors.
            self.command("trigger")
            run, spans = watched.result(_PATIENCE)
        asyncio.run(_end_of(self.host, run))  # Nothing of it goes on beside what comes next.
        return _gaps(spans)

    def empty(self) -> list[float]:
        """Run as many empty activities; the seconds between one and the next."""
        return asyncio.run(_empty(self.host, self.steps))


def _watched(notes: Path, number: int) -> tuple[str, list[tuple[float, float]]]:
    """Which run it is, and when each of its processes has started, by its own word, and ended.

    That they have ended is the kernel's word.
    """
    run, spans = "", []
    pipe = os.open(notes, os.O_RDWR)  # Open for writing as well, it never comes to an end.
    try:
        for _ in range(number):
            pid, start, run = _line(pipe).split()
            process = os.pidfd_open(int(pid))
            select.select([process], [], [], _PATIENCE_OF_A_STEP)
            spans.append((float(start), time.time()))
            os.close(process)
    finally:
        os.close(pipe)
    return run, spans


def _line(pipe: int) -> str:
    """The next line of a pipe; whoever writes one writes it at once."""
    ready, _, _ = select.select([pipe], [], [], _PATIENCE_OF_A_STEP)
    if not ready:
        raise RuntimeError(f"No step has started for {_PATIENCE_OF_A_STEP} s.")
    line = bytearray()
    while not line.endswith(b"\n"):
        line += os.read(pipe, 1)
    return line.decode()


async def _end_of(host: str, run: str) -> None:
    client = await Client.connect(host)
    await asyncio.wait_for(client.get_workflow_handle(run).result(), _PATIENCE)


async def _empty(host: str, number: int) -> list[float]:
    spans: list[tuple[float, float]] = []

    @activity.defn(name="bench-nothing")
    async def nothing() -> None:
        now = time.time()
        spans.append((now, now))

    client = await Client.connect(host)
    async with Worker(
        client,
        task_queue="bench",
        workflows=[Empty],
        activities=[nothing],
        workflow_runner=UnsandboxedWorkflowRunner(),
        debug_mode=True,
    ):
        name = f"bench-{time.time_ns()}"
        await client.execute_workflow("bench-empty", number, id=name, task_queue="bench")
    return _gaps(spans)


def _gaps(spans: Sequence[tuple[float, float]]) -> list[float]:
    pairs = itertools.pairwise(spans)
    return [start - end for (_, end), (start, _) in pairs][_WARMING:]


@contextlib.contextmanager
def place(steps: int) -> Iterator[Place]:
    """A server and a worker, for a block."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        folder = Path(scratch)
        notes = folder / "notes"
        os.mkfifo(notes)
        project = render.project(render.Answers(names.parse(TYPE), "temporal"))
        write.write(write.plan(project, folder / "project", force=False))
        sys.path.insert(0, str(folder / "project"))
        dev: Any = importlib.import_module(f"{_PACKAGE}.temporal_dev")
        server = dev.Server(folder)
        stack.callback(server.stop)
        server.start()
        settings = {
            **{key: value for key, value in os.environ.items() if not key.startswith("METAFLOW_")},
            "PYTHONPATH": str(folder / "project"),
            "METAFLOW_USER": "bench",
            "METAFLOW_HOME": str(folder / "no-config"),
            "METAFLOW_DEFAULT_DATASTORE": "local",
            "METAFLOW_DEFAULT_METADATA": "local",
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder / "datastore"),
            "BENCH_NOTES": str(notes),
            **server.settings,
        }
        stack.callback(dev.end, dev.start_worker(settings, folder / "worker.log", "--drain", "0"))
        (folder / "chain.py").write_text(_chain(steps), encoding="utf-8")
        host = server.settings["METAFLOW_MY_TEMPORAL_HOST"]
        here = Place(folder, settings, host, notes, steps)
        here.command("create")
        yield here


def _chain(steps: int) -> str:
    names_of = ["start", *(f"s{number}" for number in range(steps - 2)), "end"]
    bodies = [
        f"    @step\n    def {name}(self):\n        self.next(self.{after})\n"
        for name, after in itertools.pairwise(names_of)
    ]
    return _FLOW.format(steps="\n".join([*bodies, "    @step\n    def end(self):\n        pass\n"]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and answer 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    chained: list[float] = []
    empty: list[float] = []
    with place(options.steps) as here:
        for _ in range(options.rounds):
            empty += here.empty()
            chained += here.chain()
    ratio = statistics.median(chained) / statistics.median(empty)
    for what, gaps in (("step to step", chained), ("empty activities", empty)):
        least, *_, most = sorted(gaps)
        print(
            f"{what + ':':18} median {1000 * statistics.median(gaps):6.1f} ms, "
            f"{1000 * least:.1f} to {1000 * most:.1f} ms, {len(gaps)} gaps"
        )
    print(f"  {ratio:.2f} times an empty activity (goal: at most {GOAL}); ", end="")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()}")
    return int(ratio > GOAL)


if __name__ == "__main__":
    sys.exit(main())
