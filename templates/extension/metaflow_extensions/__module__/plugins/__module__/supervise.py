"""A process from its start to its end for certain, with its output in files (clauses H8, L4, L5).

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from .process import Job, Starter, end_group, end_rest

#: Seconds that a finished process' output may stay open, held by a child of its own.
DRAIN = 2.0


async def supervised(starter: Starter, job: Job, stem: Path, limit: float | None = None) -> int:
    """Start a process, log its output, and see it to its end.

    Args:
        starter: how it is started.
        job: the process.
        stem: beside it, with `.stdout` and `.stderr` at the end, are the files of its output.
        limit: seconds that it may take.

    Returns:
        Its exit code; negative for a signal, as when it took too long.

    Raises:
        OSError: it cannot be started.
        asyncio.CancelledError: the caller gave up; its whole group is gone by then.
    """
    outputs = [_Output(stem.with_name(f"{stem.name}.{name}")) for name in ("stdout", "stderr")]
    try:
        process = await starter.start(job, *(output.descriptor for output in outputs))
    finally:
        for output in outputs:
            output.release()
    logs = asyncio.gather(*(output.copy() for output in outputs))
    try:
        return await asyncio.wait_for(process.wait(), limit)
    except asyncio.TimeoutError:
        await end_group(process)
        return -signal.SIGKILL
    except asyncio.CancelledError:
        await end_group(process)
        raise
    finally:
        # What the task itself left running must not outlive it.
        await end_rest(process.pid)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(logs, DRAIN)


def last_words(stem: Path, stream: str = "stderr") -> str:
    """The last line of a log that says anything; empty when none does.

    Args:
        stem: as for :func:`supervised`.
        stream: `stdout` or `stderr`.
    """
    from metaflow.mflog.mflog import parse

    for line in reversed(stem.with_name(f"{stem.name}.{stream}").read_bytes().splitlines()):
        parsed = parse(line)
        if parsed and parsed.msg.strip():
            return str(parsed.msg.strip().decode(errors="replace"))
    return ""


class _Output:
    """A pipe from a process to a log file, each line in the form of Metaflow's task logs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._end, self.descriptor = os.pipe()

    def release(self) -> None:
        """Close this process' copy of the writing end."""
        os.close(self.descriptor)

    async def copy(self) -> None:
        """Copy lines as they come, until every writer is gone."""
        reader = asyncio.StreamReader(limit=2**20)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(self._end, "rb", buffering=0)
        )
        try:
            with self._path.open("wb", buffering=0) as file:
                while line := await _read_line(reader):
                    # On a full disk lines are lost, rather than the task that is at work.
                    with contextlib.suppress(OSError):
                        file.write(decorated(line))
        finally:
            transport.close()


async def _read_line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readuntil(b"\n")
    except asyncio.IncompleteReadError as end:
        return end.partial
    except asyncio.LimitOverrunError as long:
        return await stream.read(long.consumed or 1)


def decorated(line: bytes) -> bytes:
    """A line in the form of Metaflow's task logs."""
    from metaflow.mflog import TASK_LOG_SOURCE
    from metaflow.mflog.mflog import decorate, is_structured

    if is_structured(line):
        return line
    found: bytes = decorate(TASK_LOG_SOURCE, line)
    return found
