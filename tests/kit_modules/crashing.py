"""Runs that are disturbed at random moments, and what must hold of them all the same.

    python tests/kit_modules/crashing.py --kills 200 --seed 1

A run is undisturbed once, for comparison. Then processes of its successors are killed with SIGKILL:
the executor, its keeper, a step, the warm process, some of them, or all of them at one moment.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from live_engine import Live, live_outside_pytest, wait_until
from scaffolded import FLOWS

#: The flows, and what is killed in their runs. A step that always fails must not be killed as well:
#: it has no attempts to spare.
KINDS = ("executor", "keeper", "step", "warm", "executor and steps", "executor and keeper", "all")
TARGETS = {
    "crash_linear": KINDS,
    "crash_foreach": KINDS,
    "crash_split": KINDS,
    "crash_switch": KINDS,
    "crash_catch": ("executor", "keeper", "executor and steps", "executor and keeper", "all"),
}

#: What costs attempts, and how often a run may have it: its steps have five attempts.
COSTLY = ("step", "warm")
COSTLY_KILLS = 3

#: Seconds after the last kill in which nobody looks at a run.
UNATTENDED = 15.0

#: Kills per run, at most.
KILLS_PER_RUN = 40

DUMP = """
import json, sys
from metaflow import Flow, namespace
namespace(None)
flow, run_id = sys.argv[1:]
tasks = {}
for step in Flow(flow)[run_id]:
    for task in step:
        values = {a.id: repr(a.data) for a in task if a.id != "folder"}
        tasks[f"{step.id}/{task.id}"] = values
print(json.dumps(tasks, sort_keys=True))
"""


@dataclass(slots=True)
class Chaos:
    """Kills processes of one run after the other.

    Attributes:
        live: the engine.
        dice: decides what is killed, and when.
        killed: how often something of each kind was.
        usual: seconds that an undisturbed run of each flow takes on this machine, now.
    """

    live: Live
    dice: random.Random
    killed: collections.Counter[str] = field(default_factory=collections.Counter)
    usual: dict[str, float] = field(default_factory=dict)

    def disturb(self, flow: str, kills: int) -> str:
        """Start a run and kill what belongs to it; answer its id once it is over."""
        run_id = self.start(flow)
        costly = 0
        for _ in range(kills):
            self._pause(flow)
            if self.over(run_id):
                break
            # A killed `init` is made again after ever longer pauses: it is let be.
            spared = costly >= COSTLY_KILLS or not self.live.marks(run_id)
            kinds = TARGETS["crash_catch"] if spared else TARGETS[flow]
            kind = self.dice.choice(kinds)
            if not self.live.processes():
                self.live.engine.run(run_id)  # Nobody is left: somebody has to look.
            victims = self.victims(kind)
            for pid in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if victims:
                self.killed[kind] += 1
                costly += kind in COSTLY
        ended = partial(self._has_ended_or_is_looked_at, run_id, time.monotonic())
        wait_until(ended, f"the end of {run_id}; killed: {dict(self.killed)}")
        return run_id

    def _has_ended_or_is_looked_at(self, run_id: str, since: float) -> bool:
        """Whether a run is over; after a while, somebody asks for its status.

        Where both were killed that look after each other, nobody else brings it back.
        """
        if time.monotonic() > since + UNATTENDED:
            self.live.engine.run(run_id)
        return self.over(run_id)

    def _pause(self, flow: str) -> None:
        """Mostly short, so that what is starting is hit, too; sometimes a good part of a run."""
        longest = 0.3 if self.dice.random() < 0.7 else min(self.usual.get(flow, 4.0) / 2, 2.0)
        time.sleep(self.dice.uniform(0.0, longest))

    def start(self, flow: str) -> str:
        """Start a run."""
        return self.live.start(deployed(self.live, flow))

    def over(self, run_id: str) -> bool:
        """Whether a run is over, without a look that would help it along."""
        closed: bool = self.live.engine._store.run(run_id).closed
        return closed

    def victims(self, kind: str) -> list[int]:
        """Processes of a kind, those first whose end the others would notice."""
        found = self.live.processes()
        keepers = [pid for pid, words in found if "embedded_keeper" in words]
        rest = [(pid, words) for pid, words in found if pid not in keepers]
        executors = [pid for pid, words in rest if "embedded_executor" in words]
        warm = [pid for pid, words in rest if "import main" in words and _parent(pid) in executors]
        steps = [pid for pid, _ in rest if pid not in (*executors, *warm)]
        one = [self.dice.choice(steps)] if steps else []
        return {
            "executor": executors,
            "keeper": keepers,
            "step": one,
            "warm": warm,
            "executor and steps": [*executors, *steps],
            "executor and keeper": [*keepers, *executors],
            "all": [*keepers, *executors, *warm, *steps],
        }[kind]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def deployed(live: Live, flow: str) -> str:
    """Deploy a flow, once; the name of the deployment."""
    name = "".join(word.capitalize() for word in flow.split("_"))
    if live.engine.deployment(name) is None:
        shutil.copy(FLOWS / "crash_marks.py", live.flow(flow).parent)
        live.command(flow, "create", "--max-workers", "3")
    return name


def artifacts(live: Live, name: str, run_id: str) -> dict[str, Any]:
    """All artifacts of all tasks of a run, by Metaflow's client."""
    done = subprocess.run(
        [sys.executable, "-c", DUMP, name, run_id],
        env=live.bench.environment,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(live: Live, flow: str, run_id: str, expected: dict[str, Any]) -> None:
    """What must hold of every run.

    Raises:
        AssertionError: something was lost, or done twice.
    """
    record = live.engine.run(run_id)
    assert record.status == "SUCCEEDED", (run_id, record)
    ended: dict[str, list[tuple[int, int, float]]] = collections.defaultdict(list)
    for task_id, attempt, exit_code, at in _ends(live, run_id):
        ended[task_id].append((attempt, exit_code, at))
    for task_id, ends in ended.items():
        assert [attempt for attempt, _, _ in ends] == list(range(len(ends))), (
            run_id,
            task_id,
            ends,
        )
        assert [code == 0 for _, code, _ in ends] == [False] * (len(ends) - 1) + [True], (
            *(run_id, task_id, ends),
        )
    for mark in live.marks(run_id):
        attempt, _, success = ended[mark["task"]][-1]
        assert mark["attempt"] <= attempt, (run_id, mark)
        assert mark["at"] <= success, f"{run_id}: {mark} after its success was recorded"
    assert artifacts(live, deployed(live, flow), run_id) == expected, run_id
    live.no_process_is_left()


def _ends(live: Live, run_id: str) -> Iterator[tuple[str, int, int, float]]:
    """Task, attempt, exit code and time of every end that was recorded."""
    with live.engine._store.database.transaction() as database:
        rows = database.execute(
            "SELECT body, at FROM event WHERE run_id = ? ORDER BY number", (run_id,)
        ).fetchall()
    for row in rows:
        body = json.loads(row["body"])
        yield body["task_id"], body["attempt"], body["exit_code"], row["at"]


def undisturbed(chaos: Chaos, flow: str) -> dict[str, Any]:
    """The artifacts of a run that nobody disturbs."""
    live, name = chaos.live, deployed(chaos.live, flow)
    run_id = live.start(name)
    run = live.finished(run_id)
    chaos.usual[flow] = run.finished - run.created
    found = artifacts(live, name, run_id)
    check(live, flow, run_id, found)
    return found


def main() -> None:
    """Disturb runs until enough has been killed, and say what became of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="crash-"))
    live = live_outside_pytest(root)
    chaos = Chaos(live, random.Random(options.seed))
    began = time.monotonic()
    try:
        expected = {flow: undisturbed(chaos, flow) for flow in TARGETS}
        print(f"seed {options.seed}; {len(TARGETS)} flows, each once undisturbed")
        runs: collections.Counter[str] = collections.Counter()
        while chaos.killed.total() < options.kills:
            for flow in TARGETS:
                before = chaos.killed.total()
                run_id = chaos.disturb(flow, KILLS_PER_RUN)
                check(live, flow, run_id, expected[flow])
                runs[flow] += 1
                kills = chaos.killed.total() - before
                print(f"{run_id}  {flow:14} {kills} kills  as undisturbed", flush=True)
    finally:
        live.close()
    shutil.rmtree(root)
    print(f"{runs.total()} runs, {chaos.killed.total()} kills in {time.monotonic() - began:.0f} s")
    for kind, times in chaos.killed.most_common():
        print(f"  {times:4} x {kind}")
    print("Nothing lost, nothing run again after its success, attempts contiguous,")
    print("artifacts as in an undisturbed run, no process left.")


if __name__ == "__main__":
    main()
