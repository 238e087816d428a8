"""One attempt as a process: started in its own group, logged, timed, and ended for certain.

Engines differ in how they learn what to run; how a step process lives and dies on a machine is
the same for all of them, so none of them starts processes itself (clauses F20, H7, H8, L4, L5).

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from . import command
from .interpreters import NotMade, site_of, surroundings, without_own
from .plan import Plan, RunRequest
from .process import Fresh, Job, Starter
from .supervise import decorated, last_words, supervised
from .walk import Finished, Handout, Launch

#: Seconds on top of @timeout before the process is killed from outside. The signal inside the
#: task must win, or @catch and @retry never see it (clause H7).
TIMEOUT_SLACK = 120.0

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
    note = last_words(files.stem) if exit_code else ""
    return Finished(launch.task_id, launch.attempt, exit_code, note=note)


async def run_hook(desk: Desk, hook: str, number: int) -> int:
    """Call an exit hook; its exit code says how it went, and changes nothing (clause K7).

    Args:
        desk: what the attempts of the run share.
        hook: name or import path of the function.
        number: its place among the hooks of the run, which names its log in the scratch folder.
    """
    log = desk.scratch / f"hook-{number}"
    try:
        site = await _site(desk, desk.plan.start_step, log)
    except NotMade:
        return 1
    environment = command.run_environment(desk.plan, desk.run, _worker(desk, site))
    arguments = command.hook_command(desk.plan, desk.run, hook, site)
    job = Job(arguments, surroundings(desk.plan, site, environment), site.code)
    # A hook is a module of Metaflow, not a flow: the warm process has nothing for it.
    return await supervised(Fresh(), job, log)


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
    try:
        site = await _site(desk, launch.step, files.stem)
    except NotMade:
        return 1
    environment = command.environment(
        desk.plan,
        desk.run,
        launch,
        _worker(desk, site),
        handout=files.path("handout"),
        facts=desk.facts,
    )
    environment = surroundings(desk.plan, site, {**environment, **variables})
    files.path("handout").unlink(missing_ok=True)
    files.path("handout.new").write_bytes(_ROOM)
    job = Job(arguments(desk.plan, desk.run, launch, site), environment, site.code)
    step = desk.plan.steps.get(launch.step)
    limit = step.timeout + TIMEOUT_SLACK if step and step.timeout else None
    return await supervised(desk.starter, job, files.stem, limit)


async def _site(desk: Desk, step: str, log: Path) -> command.Site:
    """Where a step runs on this machine.

    Raises:
        NotMade: its interpreter cannot be made; its log says so.
    """
    variables = command.run_environment(desk.plan, desk.run, desk.worker)
    try:
        return await site_of(desk.plan, step, desk.site, variables, log)
    except NotMade as error:
        for name in ("stdout", "stderr"):
            log.with_name(f"{log.name}.{name}").touch()
        with log.with_name(f"{log.name}.stderr").open("ab") as file:
            file.write(decorated(f"{error}\n".encode()))
        raise


def _worker(desk: Desk, site: command.Site) -> Mapping[str, str]:
    return without_own(desk.worker) if site.packaged else desk.worker


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
