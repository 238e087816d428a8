"""One attempt as a process: started in its own group, logged, timed, and ended for certain.

Engines differ in how they learn what to run; how a step process lives and dies on a machine is
the same for all of them, so none of them starts processes itself (clauses F20, H7, H8, L4, L5).

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from . import command
from .plan import Plan, RunRequest
from .process import Fresh, Job, Starter, end_group, end_rest
from .walk import Finished, Handout, Launch

#: Seconds on top of @timeout before the process is killed from outside. The signal inside the
#: task must win, or @catch and @retry never see it (clause H7).
TIMEOUT_SLACK = 120.0

#: Seconds that a finished process' output may stay open, held by a child of its own.
DRAIN = 2.0

#: Seconds before each further `init`, after one that was killed.
INIT_PAUSES = (1.0, 4.0, 16.0)

#: Room on the disk for a hand-out, blank JSON: when it is needed, the disk may be full.
_ROOM = b" " * 4096

#: No variables besides.
NOTHING: Mapping[str, str] = MappingProxyType({})

StepCommand = Callable[
    [Plan, RunRequest, Launch, command.Site, Path | None],
    tuple[str, ...],
]


@dataclass(frozen=True, slots=True)
class Desk:
    """What every attempt of a run shares.

    Attributes:
        plan: the compiled flow.
        run: the run.
        site: where the deployment lies on this machine.
        step_command: makes the arguments of a step, given plan, run, attempt, site, and the
            file with the input paths when they are too many for a command line.
        facts: the scheduler's own ids, filed with each task.
        scratch: an existing folder for logs and hand-outs of the attempts.
        worker: the environment that tasks inherit from.
        starter: how processes are started.
    """

    plan: Plan
    run: RunRequest
    site: command.Site
    step_command: StepCommand
    facts: Mapping[str, str]
    scratch: Path
    worker: Mapping[str, str]
    starter: Starter


async def attempt(
    desk: Desk,
    launch: Launch,
    *,
    repeated: bool = False,
    variables: Mapping[str, str] = NOTHING,
) -> Finished:
    """Run one attempt to its end.

    Args:
        desk: what the attempts of the run share.
        launch: the attempt.
        repeated: whether the same attempt may have run before. It is not made again then when it
            had come to its end: `init` would overwrite parameters (clause E4), and a step has
            stored everything by the time that it hands out what it decided (clause L6).
        variables: what the environment of a step has besides.

    Raises:
        asyncio.CancelledError: the caller gave up; the whole process group is gone by then.
    """
    files = _Files(desk.scratch, launch)
    if launch.is_init:
        return await _init(desk, launch, files, repeated)
    exit_code = 0
    if not (repeated and files.path("handout").exists()):
        exit_code = await _run(desk, launch, files, _step_arguments(desk, files), variables)
    await asyncio.to_thread(_save_logs, desk, launch, files)
    return Finished(launch.task_id, launch.attempt, exit_code, files.read_handout())


async def _init(desk: Desk, launch: Launch, files: _Files, repeated: bool) -> Finished:
    """Store the parameters, at most once (clauses E2, E4).

    A flow has no retries to spend on `init`. One that a signal has ended, often because memory ran
    out, says nothing about the flow, so it is made again.
    """
    exit_code = 0
    for pause in (*INIT_PAUSES, None):
        if repeated and await _run(desk, launch, files, command.dump_command) == 0:
            return Finished(launch.task_id, launch.attempt, 0)
        exit_code = await _run(desk, launch, files, command.init_command)
        if exit_code >= 0 or pause is None:
            break
        await asyncio.sleep(pause)
        repeated = True
    note = files.last_words() if exit_code else ""
    return Finished(launch.task_id, launch.attempt, exit_code, note=note)


async def run_hook(desk: Desk, hook: str, number: int) -> int:
    """Call an exit hook; its exit code says how it went, and changes nothing (clause K7).

    Args:
        desk: what the attempts of the run share.
        hook: name or import path of the function.
        number: its place among the hooks of the run, which names its log in the scratch folder.
    """
    environment = _here(desk, command.run_environment(desk.plan, desk.run, desk.worker))
    arguments = command.hook_command(desk.plan, desk.run, hook, desk.site)
    job = Job(arguments, environment, desk.site.code)
    # A hook is a module of Metaflow, not a flow: the warm process has nothing for it.
    return await _supervise(Fresh(), job, desk.scratch / f"hook-{number}", limit=None)


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of one attempt in the scratch folder."""

    scratch: Path
    launch: Launch

    @property
    def stem(self) -> Path:
        return self.scratch / f"{self.launch.task_id}.{self.launch.attempt}"

    def path(self, suffix: str) -> Path:
        return self.stem.with_name(f"{self.stem.name}.{suffix}")

    def read_handout(self) -> Handout:
        """What the internal decorator wrote; nothing when the task failed before that."""
        try:
            return Handout.from_dict(json.loads(self.path("handout").read_text()))
        except FileNotFoundError:
            return Handout()

    def last_words(self) -> str:
        """The last line of the log: `init` has no task that could keep it."""
        from metaflow.mflog.mflog import parse

        for line in reversed(self.path("stderr").read_bytes().splitlines()):
            parsed = parse(line)
            if parsed and parsed.msg.strip():
                return str(parsed.msg.strip().decode(errors="replace"))
        return ""


_Arguments = Callable[[Plan, RunRequest, Launch, command.Site], tuple[str, ...]]


def _step_arguments(desk: Desk, files: _Files) -> _Arguments:
    def arguments(
        plan: Plan, run: RunRequest, launch: Launch, site: command.Site
    ) -> tuple[str, ...]:
        listing = None
        if command.needs_input_paths_file(run, launch):
            listing = files.path("inputs")
            listing.write_text(command.input_paths(run, launch.inputs))
        return desk.step_command(plan, run, launch, site, listing)

    return arguments


async def _run(
    desk: Desk,
    launch: Launch,
    files: _Files,
    arguments: _Arguments,
    variables: Mapping[str, str] = NOTHING,
) -> int:
    environment = command.environment(
        desk.plan,
        desk.run,
        launch,
        desk.worker,
        handout=files.path("handout"),
        facts=desk.facts,
    )
    environment = _here(desk, {**environment, **variables})
    files.path("handout").unlink(missing_ok=True)
    files.path("handout.new").write_bytes(_ROOM)
    job = Job(arguments(desk.plan, desk.run, launch, desk.site), environment, desk.site.code)
    step = desk.plan.steps.get(launch.step)
    limit = step.timeout + TIMEOUT_SLACK if step and step.timeout else None
    return await _supervise(desk.starter, job, files.stem, limit)


def _here(desk: Desk, environment: Mapping[str, str]) -> dict[str, str]:
    """An environment, with what is where on this machine."""
    from .package import with_unpacked

    found = with_unpacked(desk.plan, desk.site.code, environment)
    # The path of the interpreter comes first: @parallel starts its nodes as plain `python`.
    found["PATH"] = os.pathsep.join(
        [str(Path(desk.site.python).parent), found.get("PATH", os.defpath)]
    )
    return found


async def _supervise(starter: Starter, job: Job, stem: Path, limit: float | None) -> int:
    """Start a process, log its output beside `stem`, and see it to its end."""
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
                        file.write(_decorate(line))
        finally:
            transport.close()


async def _read_line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readuntil(b"\n")
    except asyncio.IncompleteReadError as end:
        return end.partial
    except asyncio.LimitOverrunError as long:
        return await stream.read(long.consumed or 1)


def _decorate(line: bytes) -> bytes:
    from metaflow.mflog import TASK_LOG_SOURCE
    from metaflow.mflog.mflog import decorate, is_structured

    if is_structured(line):
        return line
    decorated: bytes = decorate(TASK_LOG_SOURCE, line)
    return decorated


def _save_logs(desk: Desk, launch: Launch, files: _Files) -> None:
    """Store both streams with the task, for `Task.stdout` and `flow.py logs` (clause L5)."""
    from metaflow.mflog import TASK_LOG_SOURCE

    from .depot import datastore_of

    store = datastore_of(desk.plan).get_task_datastore(
        desk.run.run_id, launch.step, launch.task_id, launch.attempt, mode="w"
    )
    # A process killed on its first breath has registered no attempt, and Metaflow looks for later
    # ones only up to the first gap (clause H1).
    if not store.has_metadata(store.METADATA_ATTEMPT_SUFFIX):
        store.init_task()
    streams = {name: files.path(name).read_bytes() for name in ("stdout", "stderr")}
    store.save_logs(TASK_LOG_SOURCE, streams)
