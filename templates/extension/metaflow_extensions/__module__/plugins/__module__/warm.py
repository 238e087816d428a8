"""Steps without the start-up: a process that has imported Metaflow, and forks each attempt.

Starting Python and importing Metaflow costs more than most steps do. The *warm* process pays once
per run; an attempt is a fork of it that then runs the flow file as `__main__`, as a fresh
interpreter would. Whatever would make a fork differ from a fresh process starts a fresh one:
another interpreter, another value of a variable that is read at import, no fork on this platform,
threads in the warm process, or the warm process gone.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import inspect
import json
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from .forks import Request, serve
from .process import Fresh, Job, Process, die_with_parent, undivided

#: Variables that differ between attempts and that nothing reads at import time.
_PER_ATTEMPT = frozenset(
    {
        "METAFLOW_RUN_ID",
        "METAFLOW_STEP_NAME",
        "METAFLOW_TASK_ID",
        "METAFLOW_RETRY_COUNT",
        "MF_ORCHESTRATOR_HANDOUT",
        "MF_ORCHESTRATOR_FACTS",
    }
)

#: Prefixes of variables that Python, its loader or Metaflow read when they start.
_AT_START = ("METAFLOW_", "PYTHON", "LD_", "MALLOC_", "MF_", "LC_", "LANG", "TZ")

#: Imported before the first fork: what every step needs and no flow can change. `metaflow.cli` is
#: not among them, because it reads the flow's parameters and configs when it is imported.
_PRELOADED = ("metaflow", "metaflow.task", "metaflow.pylint_wrapper", "metaflow.mflog.mflog")


class Warm:
    """Starts processes as forks of one warm process, where that makes no difference.

    The first job decides what the warm process is like: its interpreter, its environment, its
    working directory.

    Args:
        name: shown in process lists.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._fresh = Fresh()
        self._first: Job | None = None
        self._requests: socket.socket | None = None
        self._listener: asyncio.Task[None] | None = None
        self._awaited: asyncio.Future[_Fork] | None = None
        self._forks: dict[int, _Fork] = {}
        self._one_at_a_time = asyncio.Lock()

    async def start(self, job: Job, stdout: int, stderr: int) -> Process:
        """Start a process; see :class:`.process.Starter`."""
        async with self._one_at_a_time:
            self._first = self._first or job
            if _is_faithful(job, self._first):
                try:
                    return await undivided(self._fork(job, stdout, stderr))
                except ConnectionError:
                    pass  # The warm process is gone, or never was: fresh ones from now on.
        return await self._fresh.start(job, stdout, stderr)

    async def close(self) -> None:
        """End the warm process; forks that still run go with it."""
        if self._requests is not None:
            self._requests.close()
        if self._listener is not None:
            await self._listener

    async def _fork(self, job: Job, stdout: int, stderr: int) -> _Fork:
        if self._requests is None:
            self._requests = await self._launch(job)
        self._awaited = asyncio.get_running_loop().create_future()
        message = {"argv": job.argv[1:], "environment": dict(job.environment)}
        Request(json.dumps(message).encode(), [stdout, stderr]).send(self._requests)
        return await self._awaited

    async def _launch(self, job: Job) -> socket.socket:
        """Start the warm process; it answers once it has imported everything."""
        ours, theirs = socket.socketpair()
        answers, answering = os.pipe()
        inherited = (theirs.fileno(), answering)
        await asyncio.create_subprocess_exec(
            job.argv[0],
            *("-c", f"from {__name__} import main; main()", *map(str, inherited), self._name),
            stdin=asyncio.subprocess.DEVNULL,
            env=dict(job.environment),
            cwd=job.cwd,
            pass_fds=inherited,
            preexec_fn=die_with_parent,
        )
        theirs.close()
        os.close(answering)
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(answers, "rb", buffering=0)
        )
        self._listener = asyncio.create_task(self._listen(reader))
        return ours

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Take in what the warm process says: which fork has started, which has ended."""
        while line := await reader.readline():
            pid, exit_code = json.loads(line)
            if pid not in self._forks and self._awaited and not self._awaited.done():
                # One that was killed before it could say that it has started only ever ends.
                self._forks[pid] = _Fork(pid, asyncio.get_running_loop().create_future())
                self._awaited.set_result(self._forks[pid])
            if exit_code is not None:
                self._forks.pop(pid).ended.set_result(exit_code)
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_exception(ConnectionError("the warm process is gone"))
        for fork in self._forks.values():
            fork.ended.set_result(-signal.SIGKILL)  # By the kernel, when their parent went.


@dataclass(frozen=True, slots=True)
class _Fork:
    """A fork of the warm process."""

    pid: int
    ended: asyncio.Future[int]

    async def wait(self) -> int:
        return await asyncio.shield(self.ended)


def _is_faithful(job: Job, first: Job) -> bool:
    """Whether a fork of a process like `first` is what a fresh process would be."""
    return (
        hasattr(os, "fork")
        and job.argv[0] == first.argv[0]
        and job.cwd == first.cwd
        and _at_start(job.environment) == _at_start(first.environment)
    )


def _at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        key: value
        for key, value in environment.items()
        if key.startswith(_AT_START) and key not in _PER_ATTEMPT
    }


# ---- The warm process itself. It has one thread, and does nothing but fork.


#: What was compiled ahead, by file and content.
_COMPILED: dict[tuple[str, bytes], CodeType] = {}


def run(message: Mapping[str, Any]) -> None:
    """In a fork: run the flow file as the main program of this process.

    It has to be the real `__main__`: classes that a flow defines are pickled under that name, and
    Metaflow puts some of its own there when it is imported.
    """
    import __main__

    script, source = _make_ready(message)
    program = _COMPILED.pop((script, source), None) or _compiled(script, source)
    namespace = __main__.__dict__
    del namespace["main"]  # All that the command line of the warm process has left there.
    namespace["__file__"] = script
    namespace["__loader__"] = SourceFileLoader("__main__", script)
    exec(program, namespace)


def rehearse(message: Mapping[str, Any]) -> None:
    """In a spare: do what :func:`run` does before anything of the flow runs.

    All of it is done again in the end. What was compiled is used when the file is the same, and
    compiling it has nothing to say, which belongs into the log of the attempt.
    """
    with contextlib.suppress(Exception), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        script, source = _make_ready(message)
        program = _compiled(script, source)
        if not said:
            _COMPILED[script, source] = program


def _make_ready(message: Mapping[str, Any]) -> tuple[str, bytes]:
    """Take over the environment and arguments of an attempt; the flow file, and what is in it."""
    os.environ.clear()
    os.environ.update(message["environment"])
    sys.argv = message["argv"]
    script = Path(sys.argv[0])
    sys.path[0] = str(script.parent)
    return str(script), script.read_bytes()


def _compiled(script: str, source: bytes) -> CodeType:
    program: CodeType = compile(source, script, "exec", dont_inherit=True)
    return program


def _prepare() -> None:
    """Do once what every step does again: which version this is, and patterns that are cached."""
    from metaflow.metaflow_version import get_version

    get_version()
    inspect.getsource(_prepare)


def main() -> None:
    """Be the warm process, and then, in each fork, the flow."""
    requests, answers, _ = sys.argv[1:]
    for module in _PRELOADED:
        importlib.import_module(module)
    if threading.active_count() > 1:
        return  # A lock that a thread holds would stay locked in every fork.
    _prepare()
    connection = socket.socket(fileno=int(requests))
    os.set_inheritable(connection.fileno(), False)
    os.set_inheritable(int(answers), False)
    gc.collect()
    gc.freeze()
    message = serve(connection, int(answers), rehearse)
    if message is not None:
        run(message)
