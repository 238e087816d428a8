"""Finds and ends the processes that a lab caused, wherever they were reparented to.

Everything inherits the environment of the lab, so the mark in it finds also detached
executors. Where there is no ``/proc`` nothing is found, and nothing is claimed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

LAB = "MOK_LAB"
SCENARIO = "MOK_SCENARIO"

#: Seconds after the end of a run in which its processes may end.
_A_WHILE = 15.0

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A running process."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"{self.pid} {self.command}"


def marked(name: str, value: str, *, ignore: Iterable[int] = ()) -> list[Process]:
    """The processes with ``name=value`` in the environment that they were started with."""
    mark = f"{name}={value}".encode()
    skip = {os.getpid(), *ignore}
    return [found for found in _all(mark) if found.pid not in skip]


def _all(mark: bytes) -> Iterator[Process]:
    if not _PROC.is_dir():
        return
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if mark not in (entry / "environ").read_bytes().split(b"\0"):
                continue
            if (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                continue
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it ended while we looked, or is not ours
        yield Process(int(entry.name), command.strip())


def lingering(name: str, value: str) -> list[Process]:
    """The marked processes that are still there after a while in which they may end.

    The while is generous: on a busy machine, a process that has nothing left to do may not get
    its turn for seconds. What steps leave behind in the flows of the suite lives longer.
    """
    deadline = time.monotonic() + _A_WHILE
    while (left := marked(name, value)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def end_marked(name: str, value: str, *, patience: float = 3.0) -> list[Process]:
    """Ask the marked processes to end, then kill them; those that there were."""
    found = marked(name, value)
    _signal(found, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while marked(name, value) and time.monotonic() < deadline:
        time.sleep(0.05)
    _signal(marked(name, value), signal.SIGKILL)
    return found


def end_group(leader: int, *, patience: float = 2.0) -> None:
    """End a process group that was started by us: politely, then for good."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            os.killpg(leader, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def hear_interrupts() -> None:
    """In a new process: a job in the background of a shell would ignore how it is ended."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _signal(processes: Iterable[Process], number: int) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, number)
