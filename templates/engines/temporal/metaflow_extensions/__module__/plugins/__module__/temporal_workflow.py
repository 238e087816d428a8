"""The workflow of a run: it drives the walker, and leaves everything else to activities.

It has no clock but Temporal's, no randomness and no I/O, so that Temporal can replay it: on
another worker, after a crash of the server, years later. What it does for a given history must
never change; `Order.version` is there for the day when it has to.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from temporalio import exceptions, workflow
from temporalio.common import RetryPolicy

from .identity import is_task_of
from .plan import Plan, RunRequest
from .temporal_orders import (
    AFTERWARDS,
    ATTEMPT,
    MOST,
    ORIGIN,
    RUN,
    VERSION,
    Order,
    Work,
    finished_from,
    to_dict,
)
from .temporal_patience import by_whoever_can
from .walk import Finished, Handout, Launch, Origin, State, Stopped, Walker

#: How often one attempt is repeated because its worker was lost, before it counts as failed. It
#: might be the attempt that takes its worker along.
_REPETITIONS = 10

#: Seconds for steps without @timeout: Temporal wants a limit.
_EVER = 10 * 365 * 86400.0

#: Seconds on top of @timeout, for the task's own limit and the launcher's to come first (H7).
_SLACK = 900.0

#: Kinds of the failure with which a run ends, in Temporal's UI and in `Engine.run`.
FAILED, ABORTED = "FAILED", "ABORTED"

#: What `done` says of a task that decided nothing.
_NOTHING = Handout()


@workflow.defn(name=RUN)
class FlowRun:
    """One run of a flow."""

    @workflow.init
    def __init__(self, order: Order) -> None:
        self._order = order
        self._plan = Plan.from_dict(order.plan)
        self._request = RunRequest.from_dict(order.request)
        self._walker = Walker(self._plan)
        self._origin: dict[str, Origin] = {}
        self._events: list[Finished] = [finished_from(event) for event in order.events]
        self._waiting: deque[Launch] = deque()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._due = dict(order.due)
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._answers: deque[Finished] = deque()
        self._suspended = order.suspended
        self._stop: str | None = None
        self._room = max(1, min(self._plan.max_workers, MOST))

    @workflow.run
    async def run(self, order: Order) -> dict[str, Any]:
        """Run what is left of the run.

        Raises:
            ApplicationError: it failed, or took too long; its type says which.
            CancelledError: somebody ended it.
        """
        if order.version > VERSION:
            raise RuntimeError(f"This run has version {order.version}: update the worker.")
        cancelled = False
        clock = asyncio.create_task(self._watch_the_time())
        try:
            await self._prepare()
            await self._drive()
        except asyncio.CancelledError:
            cancelled = True
            self._walker.feed(Stopped("terminated by request"))
        clock.cancel()
        await self._end_all()
        await self._afterwards()
        state, reason = self._walker.state, self._walker.reason
        if state is State.SUCCEEDED:
            return {"tasks": len(self._events)}
        if state is State.FAILED:
            raise exceptions.ApplicationError(reason, type=FAILED, non_retryable=True)
        if cancelled:
            raise exceptions.CancelledError(reason)
        raise exceptions.ApplicationError(reason, type=ABORTED, non_retryable=True)

    @workflow.signal
    def suspend(self, suspended: bool) -> None:
        """Start no more tasks for now, or go on."""
        self._suspended = suspended

    @workflow.query
    def done(self) -> dict[str, dict[str, Any]]:
        """The tasks that succeeded, and what each one had decided, by id.

        A task that the run had itself cloned decided nothing here: its origin did.
        """
        found = {}
        for event in self._events:
            if event.exit_code == 0:
                handout = event.handout
                if handout == _NOTHING and event.task_id in self._origin:
                    handout = self._origin[event.task_id].handout
                found[event.task_id] = handout.to_dict()
        return found

    @workflow.query
    def progress(self) -> dict[str, Any]:
        """How the run stands, for people."""
        return {
            "finished": [event.task_id for event in self._events],
            "running": sorted(self._running),
            "waiting": len(self._waiting) + len(self._timers),
            "suspended": self._suspended,
        }

    async def _prepare(self) -> None:
        """Bring the walker to where the run stands."""
        origin = self._order.origin
        if self._request.origin_run_id is not None and origin is None:
            origin = await workflow.execute_activity(
                ORIGIN,
                self._work(),
                result_type=dict[str, dict[str, Any]],
                start_to_close_timeout=timedelta(minutes=5),
                retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=10)),
            )
        self._order = replace(self._order, origin=origin)
        rerun = self._request.rerun
        self._origin = {
            task_id: Origin(task_id, Handout.from_dict(handout))
            for task_id, handout in (origin or {}).items()
            if rerun is None or not is_task_of(task_id, rerun)
        }
        self._walker = Walker(self._plan, self._origin)
        started = self._walker.start()
        for event in self._events:
            self._walker.feed(event)
        for launch in self._walker.under_way if self._events else started:
            self._admit(launch, self._due.get(launch.task_id, 0.0))

    async def _drive(self) -> None:
        while self._walker.state is State.RUNNING:
            self._start_what_may()
            await workflow.wait_condition(self._has_something_to_do)
            if self._stop is not None:
                self._walker.feed(Stopped(self._stop))
                return
            while self._answers:
                event = self._answers.popleft()
                self._events.append(event)
                for launch in self._walker.feed(event):
                    self._admit(launch, workflow.time() + launch.delay if launch.delay else 0.0)
            if self._is_long() and not self._running and self._walker.state is State.RUNNING:
                self._go_on_in_a_new_history()

    def _has_something_to_do(self) -> bool:
        may_start = bool(self._waiting) and not self._is_held()
        return bool(self._answers) or self._stop is not None or may_start

    def _is_held(self) -> bool:
        return self._suspended or len(self._running) >= self._room or self._is_long()

    def _is_long(self) -> bool:
        return workflow.info().get_current_history_length() >= self._order.history

    def _go_on_in_a_new_history(self) -> None:
        """Only when nothing is under way: a new history knows no activities of the old one."""
        for timer in self._timers.values():
            timer.cancel()
        order = replace(
            self._order,
            events=[to_dict(event) for event in self._events],
            due=self._due,
            suspended=self._suspended,
        )
        workflow.continue_as_new(order)

    def _admit(self, launch: Launch, due: float) -> None:
        """Put an attempt in the line, now or when it is due."""
        if due <= workflow.time():
            self._waiting.append(launch)
            return
        self._due[launch.task_id] = due
        self._timers[launch.task_id] = asyncio.create_task(self._wait_for_retry(launch, due))

    async def _wait_for_retry(self, launch: Launch, due: float) -> None:
        await workflow.sleep(due - workflow.time())
        self._due.pop(launch.task_id, None)
        self._timers.pop(launch.task_id, None)
        self._waiting.append(launch)

    def _start_what_may(self) -> None:
        while self._waiting and not self._is_held():
            launch = self._waiting.popleft()
            self._running[launch.task_id] = asyncio.create_task(self._attempt(launch))

    async def _attempt(self, launch: Launch) -> None:
        """Have a worker make an attempt. A lost worker's is made again, under its number (L6)."""
        step = self._plan.steps.get(launch.step)
        route = self._order.routes.get(launch.step)
        limit = step.timeout + _SLACK if step and step.timeout else _EVER
        try:
            answer = await by_whoever_can(
                ATTEMPT,
                self._work(launch=asdict(launch)),
                result_type=dict[str, Any],
                task_queue=f"{self._order.queue}/{route}" if route else None,
                start_to_close_timeout=timedelta(seconds=limit),
                heartbeat_timeout=timedelta(seconds=self._order.heartbeat),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=1),
                    backoff_coefficient=1.0,
                    maximum_attempts=_REPETITIONS,
                ),
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                summary=f"{launch.step} {launch.task_id}, attempt {launch.attempt}",
            )
            event = finished_from(answer)
        except exceptions.ActivityError as error:
            if exceptions.is_cancelled_exception(error):
                return
            note = f"no worker could finish it: {error.cause or error}"
            event = Finished(launch.task_id, launch.attempt, 1, note=note)
        self._running.pop(launch.task_id, None)
        self._answers.append(event)

    async def _watch_the_time(self) -> None:
        limit = self._plan.workflow_timeout
        if limit is not None:
            left = self._order.created + limit - workflow.time()
            if left > 0:
                await workflow.sleep(left)
            self._stop = f"the run took longer than {limit} s"

    async def _end_all(self) -> None:
        """Cancel what is under way, and wait until its processes are gone (clause L4)."""
        tasks = [*self._running.values(), *self._timers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _afterwards(self) -> None:
        """Leave what follows the end to a workflow of its own: the run is over (clause K7)."""
        succeeded = self._walker.state is State.SUCCEEDED
        hooks = self._plan.success_hooks if succeeded else self._plan.error_hooks
        work = replace(self._work(), state=self._walker.state.value, reason=self._walker.reason)
        await workflow.start_child_workflow(
            AFTERWARDS,
            args=[work, list(hooks)],
            id=f"{self._request.run_id}/end",
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
        )

    def _work(self, launch: dict[str, Any] | None = None) -> Work:
        return Work(
            reference=self._order.reference,
            request=self._order.request,
            deployment=self._order.deployment,
            heartbeat=self._order.heartbeat,
            launch=launch or {},
        )
