"""The author's own code around runs and attempts: what it is told, and what its failing means.

An author writes methods of :class:`Hooks` in `NAME_hooks.py`; an engine makes its attempts with
:func:`attempt`, and says with :meth:`HookCalls.ended` how a run has ended. They are
called where attempts start, at least once: an engine that was killed calls them again, with the
same identity.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .identity import pathspec
from .launch import Desk
from .launch import attempt as make_attempt
from .plan import Plan, RunRequest
from .walk import Finished, Launch, State

#: Seconds that a hook may take. One that takes longer counts as failed, and is left behind.
LIMIT = 60.0

_RUNNING = "RUNNING"
_SUSPENDED = "SUSPENDED"
_STATUSES = {State.SUCCEEDED: "SUCCEEDED", State.FAILED: "FAILED", State.STOPPED: "ABORTED"}


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """Which run it is.

    Attributes:
        deployment: name of the deployment.
        flow_name: name of the flow.
        run_id: Metaflow's id of the run, and the scheduler's.
        parameters: values that were given when it was triggered, as text.
    """

    deployment: str
    flow_name: str
    run_id: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AttemptIdentity:
    """Which attempt of which task it is.

    Attributes:
        run: the run.
        step: name of the step.
        task_id: the same for all attempts of a task.
        attempt: counted from 0; the same again when it is repeated after a crash (clause L6).
        pathspec: the task, as Metaflow's client takes it.
        resources: what @resources asks for: cpu, gpu, memory (MB), disk (MB).
    """

    run: RunIdentity
    step: str
    task_id: str
    attempt: int
    pathspec: str
    resources: Mapping[str, float]


class Hooks:
    """What an author can do around runs and attempts. What is not overridden costs nothing.

    Methods are called in a thread of their own and may block, for :data:`LIMIT` seconds at most.
    """

    def before_run(self, run: RunIdentity) -> None:
        """Before anything of a run starts. Raising fails the run, and nothing of it is started."""

    def after_run(self, run: RunIdentity, status: str, reason: str) -> None:
        """After the end of a run. Raising is logged, and changes nothing.

        Args:
            run: the run.
            status: SUCCEEDED, FAILED or ABORTED.
            reason: why it did not succeed.
        """

    def before_attempt(self, attempt: AttemptIdentity) -> Mapping[str, str] | None:
        """Before the process of an attempt starts. Raising makes the attempt fail without one.

        A failed attempt is retried as the flow says.

        Returns:
            Variables to add to the environment of the attempt; none of Metaflow's own.
        """

    def after_attempt(self, attempt: AttemptIdentity, exit_code: int | None) -> None:
        """After the process of an attempt has ended. Raising is logged, and changes nothing.

        Args:
            attempt: the attempt.
            exit_code: 0 for success, negative for a signal; None when the run was ended meanwhile.
        """

    def on_status(self, run: RunIdentity, status: str) -> None:
        """At every change of a run's status. Raising is logged, and changes nothing.

        Args:
            run: the run.
            status: RUNNING, then SUCCEEDED, FAILED or ABORTED (clause L1). In between, from an
                engine that says so, SUSPENDED when no more tasks start, and RUNNING again.
        """


def load(module: str, name: str) -> Hooks:
    """The author's hooks. Those that cannot be loaded fail every run, and say why."""
    try:
        made = getattr(importlib.import_module(module), name)()
        if not isinstance(made, Hooks):
            raise TypeError(f"{name} is no Hooks")
        return made
    except Exception as error:
        traceback.print_exc()
        return _Broken(f"{module} cannot be loaded: {error!r}")


class _Broken(Hooks):
    """Stands for hooks that cannot be loaded: nothing is done without what they would do."""

    def __init__(self, why: str) -> None:
        self._why = why

    def before_run(self, run: RunIdentity) -> None:
        raise RuntimeError(self._why)


class HookCalls:
    """Calls the hooks for one run.

    Args:
        hooks: the author's.
        plan: the compiled flow.
        run: the run.
    """

    def __init__(self, hooks: Hooks, plan: Plan, run: RunRequest) -> None:
        self._hooks = hooks
        self._plan = plan
        identity = plan.identity
        self._run = RunIdentity(identity.name, identity.flow_name, run.run_id, run.parameters)
        self._one_suspension_at_a_time = asyncio.Lock()

    async def before(self, launch: Launch) -> Mapping[str, str]:
        """Say that an attempt is about to start; answer the variables that it gets in addition.

        Raises:
            Exception: whatever the hook has raised: the attempt must not start.
        """
        if launch.is_init:
            await self._tell("on_status", self._run, _RUNNING)
            await self._call("before_run", self._run)
            return {}
        if launch.clone_of is not None:  # Nothing of the author's flow runs.
            return {}
        return await self._before(self._identity(launch))

    async def after(self, launch: Launch, exit_code: int | None) -> None:
        """Say that an attempt has ended; None for one whose run was ended meanwhile."""
        if not launch.is_init and launch.clone_of is None:
            await self._tell("after_attempt", self._identity(launch), exit_code)

    async def suspended(self, suspended: bool) -> None:
        """Say that no more tasks start, or that the run goes on; in the order of the calls."""
        async with self._one_suspension_at_a_time:
            await self._tell("on_status", self._run, _SUSPENDED if suspended else _RUNNING)

    async def ended(self, state: State, reason: str) -> None:
        """Say how the run has ended, once that is on record."""
        status = _STATUSES[state]
        await self._tell("on_status", self._run, status)
        await self._tell("after_run", self._run, status, reason)

    async def _before(self, identity: AttemptIdentity) -> Mapping[str, str]:
        """Set up an attempt to the end, also when its run is ended meanwhile, and tear it down."""
        setting_up = asyncio.ensure_future(self._call("before_attempt", identity))
        try:
            variables = await asyncio.shield(setting_up) or {}
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await setting_up
                await self._tell("after_attempt", identity, None)
            raise
        _check(variables)
        return variables

    def _identity(self, launch: Launch) -> AttemptIdentity:
        return AttemptIdentity(
            run=self._run,
            step=launch.step,
            task_id=launch.task_id,
            attempt=launch.attempt,
            pathspec=f"{pathspec(self._run.flow_name, self._run.run_id)}/{launch.step}/"
            f"{launch.task_id}",
            resources=self._plan.steps[launch.step].resources,
        )

    async def _tell(self, name: str, *arguments: object) -> None:
        try:
            await self._call(name, *arguments)
        except Exception:
            print(f"hook {name} failed:", file=sys.stderr)
            traceback.print_exc()

    async def _call(self, name: str, *arguments: object) -> Any:
        if getattr(type(self._hooks), name) is getattr(Hooks, name):
            return None
        return await _in_thread(getattr(self._hooks, name), *arguments)


async def attempt(
    calls: HookCalls, desk: Desk, launch: Launch, *, repeated: bool = False
) -> Finished:
    """Make an attempt, with the author's hooks around it; see :func:`.launch.attempt`.

    The first attempt of a run is `init`: `before_run` comes before it. What fails before an
    attempt is a failed attempt that has had no process.
    """
    try:
        variables = await calls.before(launch)
    except Exception as error:
        traceback.print_exc()
        name = "before_run" if launch.is_init else "before_attempt"
        return Finished(launch.task_id, launch.attempt, exit_code=1, note=f"{name}: {error!r}")
    exit_code: int | None = None
    try:
        answer = await make_attempt(desk, launch, repeated=repeated, variables=variables)
        exit_code = answer.exit_code
        return answer
    finally:
        await calls.after(launch, exit_code)


def _check(variables: Mapping[str, str]) -> None:
    for key, value in variables.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"variable {key!r} is {value!r}; both have to be text")
        if key.startswith("METAFLOW_"):
            raise ValueError(f"{key} is Metaflow's own")


async def _in_thread(function: Callable[..., Any], *arguments: object) -> Any:
    """Call a function in a thread that nobody waits for at the end of this process.

    Raises:
        TimeoutError: it took too long.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def work() -> None:
        result, failure = None, None
        try:
            result = function(*arguments)
        except BaseException as error:
            failure = error if isinstance(error, Exception) else RuntimeError(repr(error))
        with contextlib.suppress(RuntimeError):  # Nobody listens any more.
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=work, name=f"hook {function.__name__}", daemon=True).start()
    try:
        return await asyncio.wait_for(done, LIMIT)
    except asyncio.TimeoutError as error:
        if done.cancelled():
            raise TimeoutError(f"{function.__name__} took longer than {LIMIT:g} s") from error
        raise
