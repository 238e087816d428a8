"""A run whose processes all died, and whose process ids other programs have got since.

    unshare --pid --fork --mount-proc python tests/kit_modules/reusing_pids.py FOLDER

In a pid namespace of its own, where this program is the first process and nothing else takes ids:
so each id of a dead process can be given to another program, for certain.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from live_engine import Live, live_outside_pytest, wait_until

#: Decides which id the next process of this namespace gets: the one after it.
LAST_PID = Path("/proc/sys/kernel/ns_last_pid")


def kill_all(live: Live) -> set[int]:
    """Kill everything that drives runs, and collect it; the ids that are free now."""
    ids: set[int] = set()
    while found := {pid for pid, _ in live.processes()}:
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        ids |= found
        collect()
    collect()
    return ids


def collect() -> None:
    """Collect what has ended, as the first process of a namespace has to."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def take(pid: int) -> subprocess.Popen[bytes]:
    """Another program under an id that belonged to somebody else."""

    def program() -> subprocess.Popen[bytes] | None:
        collect()
        LAST_PID.write_text(str(pid - 1))
        other = subprocess.Popen(["sleep", "600"], env={}, start_new_session=True)
        if other.pid == pid:
            return other
        other.kill()
        other.wait()
        return None

    taken: subprocess.Popen[bytes] = wait_until(program, f"the id {pid} is free again")
    return taken


def main(folder: Path) -> None:
    """Take the ids of a dead run, and see that it goes on, and that nobody else is hurt."""
    live = live_outside_pytest(folder)
    name = live.deploy("solo")
    going, ending = live.start(name, hold=True), live.start(name, hold=True)
    for run_id in (going, ending):
        live.has_begun(run_id)
    others = [take(pid) for pid in sorted(kill_all(live))]
    assert len(others) >= 6, "executor, keeper and step of two runs"

    assert live.engine.terminate(ending) is True
    assert live.engine.run(going).status == "RUNNING"
    begun = live.notes(going) / "begun"
    wait_until(lambda: begun.read_text() == "0\n0\n", "the attempt is repeated")
    live.let_go(going)
    assert live.finished(going).status == "SUCCEEDED"
    assert live.engine.run(ending).status == "ABORTED"
    assert [other.poll() for other in others] == [None] * len(others), "who had the ids is alive"
    live.no_process_is_left()
    print(f"{len(others)} ids taken")


if __name__ == "__main__":
    # The namespace, and all in it, ends with this process.
    main(Path(sys.argv[1]))
