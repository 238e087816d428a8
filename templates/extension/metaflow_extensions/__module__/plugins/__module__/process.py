"""How a process of a task starts and ends on this machine (clauses H8, L4).

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Protocol, TypeVar

#: Seconds between asking a process group to end and killing it.
GRACE = 5.0

#: Seconds between two looks at a process group that has been killed.
_GLANCE = 0.01

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


@dataclass(frozen=True, slots=True)
class Job:
    """A command to start.

    Attributes:
        argv: interpreter, flow file and arguments.
        environment: all of its environment.
        cwd: its working directory.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: Path


class Process(Protocol):
    """A running process, the leader of a session and a process group of its own."""

    @property
    def pid(self) -> int:
        """Its process id, which is also that of its group."""

    async def wait(self) -> int:
        """Wait until it has ended; its exit code, negative for a signal."""


AnyProcess = TypeVar("AnyProcess", bound=Process)


class Starter(Protocol):
    """A way to start processes."""

    async def start(self, job: Job, stdout: int, stderr: int) -> Process:
        """Start a process that writes to two descriptors.

        Raises:
            OSError: it cannot be started.
        """

    async def close(self) -> None:
        """Let go of what was kept for starting more."""


class Fresh:
    """Starts every process as a new interpreter."""

    async def start(self, job: Job, stdout: int, stderr: int) -> Process:
        """Start it; see :class:`Starter`."""
        return await undivided(
            asyncio.create_subprocess_exec(
                *job.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=dict(job.environment),
                cwd=job.cwd,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        )

    async def close(self) -> None:
        """Nothing is kept."""


async def undivided(start: Coroutine[Any, Any, AnyProcess]) -> AnyProcess:
    """Start a process to the end, also when the caller gives up in the middle of it.

    Otherwise there would be a process that nobody knows of, and that nobody ends.

    Raises:
        asyncio.CancelledError: the caller gave up; the process is gone by then.
    """
    started = asyncio.ensure_future(start)
    try:
        return await asyncio.shield(started)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError):
            await end_group(await started)
        raise


def die_with_parent() -> None:
    """In a child, before it runs anything: the kernel kills it when its parent is gone.

    Without it the steps of a killed engine go on writing while their attempts are repeated.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


async def end_group(process: Process) -> None:
    """Ask the whole process group to end, then kill what has not."""
    signal_group(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), GRACE)
    except asyncio.TimeoutError:
        signal_group(process.pid, signal.SIGKILL)
        await process.wait()


async def end_rest(pid: int) -> None:
    """Kill what the leader of a group left behind, and wait until none of it runs.

    A killed process still runs for a moment, and would write beside the attempt that repeats this
    one. Nothing can hurry what sits in the kernel, such as a read from a dead disk: after
    :data:`GRACE` it is let be.
    """
    signal_group(pid, signal.SIGKILL)
    clock = asyncio.get_running_loop().time
    deadline = clock() + GRACE
    while _runs(pid) and clock() < deadline:
        await asyncio.sleep(_GLANCE)


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal a process group, which may be gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _runs(group: int) -> bool:
    """Whether any process of a group runs; one that has ended and waits to be collected does not.

    Who collects the children of a dead leader is the first process of the machine, which in many
    containers does not.
    """
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    stats = [_stat(folder) for folder in Path("/proc").glob("[0-9]*")]
    if not any(stats):
        return True  # There is no /proc to ask.
    return any(stat[0] not in "ZX" for stat in stats if stat and int(stat[2]) == group)


def _stat(folder: Path) -> list[str]:
    """State, parent, group and so on of a process (proc(5)); nothing when it is gone."""
    try:
        # The name of the program, in brackets before these, may hold spaces and brackets itself.
        return (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


async def end_strays(variable: str, value: str) -> list[int]:
    """Kill every process of this machine that was started with a variable of that value.

    The kernel ends the step processes of a killed engine, not what those had started: the nodes
    of a gang, or a command of the user's. Inherited variables tell whose they are; a process id
    that was noted down might be another program's by now.

    Returns:
        The ids of the processes, of which none runs any more; none where there is no `/proc`.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + GRACE
    ended: set[int] = set()
    while (strays := _started_with(f"{variable}={value}".encode())) and clock() < deadline:
        for pid in strays:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        ended.update(strays)
        await asyncio.sleep(_GLANCE)
    return sorted(ended)


def _started_with(mark: bytes) -> list[int]:
    """The other processes with `NAME=value` in their environment; one that has ended has none."""
    line, found = b"\0" + mark + b"\0", []
    # As little as possible for each process: this is done after every task.
    for pid in _pids():
        try:
            with FileIO(f"/proc/{pid}/environ") as file:
                environment = b"\0" + file.readall() + b"\0"
        except OSError:
            continue  # It is gone, or somebody else's.
        if line in environment:
            found.append(int(pid))
    return [pid for pid in found if pid != os.getpid()]


def _pids() -> list[str]:
    """The processes of this machine; none where there is no `/proc`."""
    try:
        return [entry.name for entry in os.scandir("/proc") if entry.name.isdecimal()]
    except FileNotFoundError:
        return []
