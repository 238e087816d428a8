"""Many runs of many flows, started at once by several processes.

    python tests/kit_modules/loading.py --runs 100 --flows 10 --processes 4

Every run has to end well, nobody may hear of a locked database, no process may be left, and no run
may wait for all the others. Prints how the runs fared.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from live_engine import Live, live_outside_pytest
from scaffolded import TYPE

#: Seconds within which all runs have to be over.
PATIENCE = 3600


def deploy(live: Live, flows: int) -> list[str]:
    """Deploy flows; their names."""
    return [live.deploy("work", name=f"load{number}") for number in range(flows)]


def start(live: Live, wanted: list[tuple[str, str]], barrier: Any) -> None:
    """In a process of its own: start runs, given by deployment and id, as fast as it goes."""
    barrier.wait(200)
    for name, run_id in wanted:
        live.notes(run_id).mkdir()
        request = live.module.RunRequest(run_id, {"folder": str(live.notes(run_id)), "width": "2"})
        live.engine.start(name, request)


def start_all(live: Live, names: list[str], runs: int, processes: int) -> None:
    """Start runs of deployments in turn, from several processes at once.

    Raises:
        AssertionError: one of the processes failed; what it said stands above.
    """
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(processes)
    wanted = [
        (names[number % len(names)], f"{TYPE}-load-{live.folder.name}-{number}")
        for number in range(runs)
    ]
    live.runs += [run_id for _, run_id in wanted]
    starters = [
        context.Process(target=start, args=(live, wanted[number::processes], barrier))
        for number in range(processes)
    ]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join(PATIENCE)
    assert [starter.exitcode for starter in starters] == [0] * processes


def await_all(live: Live) -> list[Any]:
    """Wait until all runs are over; the runs.

    Raises:
        AssertionError: a run failed, or was not over in time, or something is left of one.
    """
    deadline = time.monotonic() + PATIENCE
    while (left := set(live.runs) & set(live.engine._store.open_runs())) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.5)
    assert not left, f"not over within {PATIENCE} s: {left}"
    found = [live.engine.run(run_id) for run_id in live.runs]
    for run in found:
        assert run.status == "SUCCEEDED", run
        assert sorted(live.marked(run.run_id, "body", "end")) == [(0, 0), (1, 0)]
        log = live.bench.home / f"runs/{run.run_id}/executor.log"
        assert log.read_text() == ""
    live.no_process_is_left()
    return found


def main() -> None:
    """Load a scheduler, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--flows", type=int, default=10)
    parser.add_argument("--processes", type=int, default=4)
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="load-"))
    live = live_outside_pytest(root)
    try:
        names = deploy(live, options.flows)
        began = time.time()
        start_all(live, names, options.runs, options.processes)
        started = time.time() - began
        runs = await_all(live)
        took = sorted(run.finished - run.created for run in runs)
    finally:
        live.close()
    shutil.rmtree(root)
    print(
        f"{options.runs} runs of {options.flows} flows, started by {options.processes} processes "
        f"in {started:.0f} s, over after {max(run.finished for run in runs) - began:.0f} s"
    )
    print(
        f"a run took {took[0]:.0f} to {took[-1]:.0f} s, {took[len(took) // 2]:.0f} s in the middle"
    )
    print("All succeeded, nothing was said in any log, no process is left.")


if __name__ == "__main__":
    main()
