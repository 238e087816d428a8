"""Starts another executor of a run whenever one dies, until the run is over.

    python embedded_keeper.py RUN_FOLDER SECONDS MARK COMMAND...

The keeper of a run waits for the run's *lease*, a file lock. The kernel gives it the lease at the
moment in which an executor is gone, whatever killed it, so waiting needs no processor time and no
process id that might be another program's by now. The executor looks after its keeper in turn. Only
when both are killed at the same moment, or with the machine, nobody is left: then the next command
that looks at the run, the end of another run, or the server starts both again.

Where several machines share the runs, an executor has to prove again and again that it is the only
one. One that hangs, or was stopped, cannot end its steps: SECONDS after its last proof the keeper
kills all processes with MARK in their environment. 0 seconds mean never.

It is a program of its own that imports next to nothing, because every run in progress has one.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time

#: Seconds before an executor that could not do its work is started again: at first, and at most.
_PAUSES = (1.0, 30.0)


def keep(folder: str, command: list[str]) -> None:
    """Keep the executor of a run alive until one says that nothing is left to do.

    Args:
        folder: the folder of the run.
        command: starts the executor, which takes over the lease.
    """
    pause = _PAUSES[0]
    while exit_code := _execute(folder, command):
        if exit_code < 0:  # Killed. The next one has every chance.
            pause = _PAUSES[0]
            continue
        time.sleep(pause)
        pause = min(2 * pause, _PAUSES[1])


def watch(folder: str, seconds: float, mark: str) -> None:
    """From now on, end the steps of an executor that has not proved for so long to be alone."""

    def look(*_: object) -> None:
        try:
            proof = os.stat(f"{folder}/alive").st_mtime  # noqa: PTH116
        except FileNotFoundError:
            return
        if time.monotonic() - proof > seconds:
            _end_all(os.fsencode(mark))

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, seconds / 10, seconds / 10)


def _end_all(mark: bytes) -> None:
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            with open(f"/proc/{entry.name}/environ", "rb") as file:  # noqa: PTH123
                if mark in file.read().split(b"\0"):
                    os.kill(int(entry.name), signal.SIGKILL)
        except OSError:
            continue  # It is gone, or somebody else's.


def _execute(folder: str, command: list[str]) -> int:
    """Wait until there is no executor, and run one; its exit code, negative for a signal."""
    descriptor = os.open(f"{folder}/lease", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    if os.access(f"{folder}/over", os.F_OK):
        return 0
    os.set_inheritable(descriptor, True)
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        os.setsid()  # A signal for the keeper's group is not for the executor.
        os.execv(command[0], command)
    os.close(descriptor)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    run_folder, patience, run_mark, *executor = sys.argv[1:]
    if float(patience):
        watch(run_folder, float(patience), run_mark)
    keep(run_folder, executor)
