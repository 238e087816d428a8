"""Workflows around a run: what a schedule starts, what waits for events, what follows the end."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from temporalio import exceptions, workflow
from temporalio.common import RetryPolicy, SearchAttributeKey, WorkflowIDReusePolicy

from .plan import Plan, RunRequest
from .starts import Event, complete, run_id_for
from .temporal_orders import AFTERWARDS, ENDED, HOOK, LISTEN, START, Order, Work, request_for
from .temporal_patience import by_whoever_can
from .temporal_workflow import FlowRun

#: Where a schedule says for which time it has started a workflow.
_SCHEDULED: SearchAttributeKey[datetime] = SearchAttributeKey.for_datetime(
    "TemporalScheduledStartTime"
)

#: Events that a listener takes before it goes on in a new history.
_MANY = 500


@workflow.defn(name=START)
class ScheduledStart:
    """Starts a run for a time of a schedule; that time twice is one run (clause K1)."""

    @workflow.run
    async def run(self, order: Order) -> str:
        """Start it; answer its id."""
        due = workflow.info().typed_search_attributes.get(_SCHEDULED)
        occasion = (due or workflow.now()).isoformat()
        run_id = run_id_for(order.scheduler, order.deployment, occasion)
        await start_run(order, RunRequest(run_id))
        return run_id


@workflow.defn(name=LISTEN)
class Listener:
    """Waits for the events that together start a run (clause K3)."""

    @workflow.init
    def __init__(self, order: Order, seen: list[str]) -> None:
        self._plan = Plan.from_dict(order.plan)
        self._new: list[Event] = []
        self._seen = {event.name: event for event in map(Event.from_json, seen)}
        self._ids: dict[str, None] = {}

    @workflow.run
    async def run(self, order: Order, seen: list[str]) -> None:
        """Wait until the deployment is replaced or deleted, which ends this workflow."""
        taken = 0
        while taken < _MANY or self._new:
            await workflow.wait_condition(lambda: bool(self._new))
            event = self._new.pop(0)
            taken += 1
            self._seen[event.name] = event
            events = complete(self._plan.triggers, self._seen)
            if events is not None:
                self._seen.clear()
                await start_run(order, request_for(order.scheduler, self._plan, events))
        workflow.continue_as_new(args=[order, [one.to_json() for one in self._seen.values()]])

    @workflow.signal
    def event(self, text: str) -> None:
        """An event was published; the same one again changes nothing (clause K6)."""
        event = Event.from_json(text)
        if event.id not in self._ids:
            self._ids[event.id] = None
            self._new.append(event)


@workflow.defn(name=AFTERWARDS)
class Afterwards:
    """Tells other flows that a run succeeded, and calls exit hooks (clauses K4, K7)."""

    @workflow.run
    async def run(self, work: Work, hooks: list[str]) -> dict[str, Any]:
        """Do both; answer the exit code of each hook, which changes nothing."""
        await by_whoever_can(
            ENDED,
            work,
            start_to_close_timeout=timedelta(minutes=5),
            retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=30)),
        )
        codes: dict[str, Any] = {}
        for number, hook in enumerate(hooks):
            try:
                codes[hook] = await by_whoever_can(
                    HOOK,
                    replace(work, hook=hook, number=number),
                    result_type=int,
                    start_to_close_timeout=timedelta(days=1),
                    heartbeat_timeout=timedelta(seconds=work.heartbeat),
                    # Not again by itself: it may have sent its mail before its worker was lost.
                    retry_policy=RetryPolicy(maximum_attempts=1),
                    summary=hook,
                )
            except exceptions.ActivityError as error:
                codes[hook] = str(error.cause or error)
        return codes


async def start_run(order: Order, request: RunRequest) -> None:
    """Start a run that outlives the workflow that starts it; twice is once."""
    order = replace(order, request=asdict(request), created=workflow.time())
    try:
        await workflow.start_child_workflow(
            FlowRun.run,
            order,
            id=request.run_id,
            task_queue=order.queue,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            memo=order.memo(),
            static_summary=order.deployment,
        )
    except exceptions.WorkflowAlreadyStartedError:
        return
