"""What is asked of a Temporal server: runs are its workflows, and so are deployments.

A deployment is a workflow that nobody works on: it stands there with its plan as argument, is
replaced in one step and shows in Temporal's UI; nobody has to be awake for it. A Temporal schedule
of the same name starts what has @schedule. All of it is asynchronous; :mod:`.temporal_link` is how
commands call it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHistoryEventFilterType,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from .plan import Plan, RunRequest
from .starts import Event, complete
from .temporal_orders import DEPLOYMENT, LISTEN, RUN, START, Order, request_for

#: What is there and not over, in the words of a query.
_STANDING = "ExecutionStatus = 'Running'"

#: Seconds that a new deployment has to show in listings, which lag behind.
_LAG = 10.0

#: Times of a schedule that passed while the server was down, and are made up for.
_CATCH_UP = timedelta(minutes=10)

#: Seconds that a run has to end by itself before Temporal ends it, without any worker's help.
_PATIENCE = 15.0

#: Seconds that a worker has to answer a question about a run.
_QUERY = timedelta(seconds=30)

#: Seconds that the server has to answer whether it is there.
SIGN_OF_LIFE = timedelta(seconds=5)

_Value = TypeVar("_Value")


async def save(client: Client, order: Order) -> None:
    """Make a deployment, in place of an earlier one (clause J9); see `Engine.deploy`.

    Raises:
        ValueError: Temporal does not take its schedule; the message says why.
    """
    await _keep_time(client, order)
    await _end_quietly(client, _listener(order.queue))
    fresh = await client.start_workflow(
        DEPLOYMENT,
        order,
        id=order.queue,
        task_queue=_shelf(order.scheduler),
        id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
        memo=order.memo(),
        static_summary=f"Metaflow deployment {order.deployment}",
    )
    deadline = time.monotonic() + _LAG
    while time.monotonic() < deadline:
        listed = client.list_workflows(f"WorkflowId = '{order.queue}' AND {_STANDING}")
        if [one.run_id async for one in listed] == [fresh.first_execution_run_id]:
            return
        await asyncio.sleep(0.2)


async def found(client: Client, queue: str) -> Order | None:
    """A deployment, or None."""
    with _none_if_unknown():
        described = await client.get_workflow_handle(queue).describe()
        if described.status is WorkflowExecutionStatus.RUNNING:
            return await order_of(client, queue)
    return None


async def all_found(client: Client, scheduler: str, event: str | None = None) -> list[Order]:
    """Every deployment of this extension, by name; with an event, those that wait for it."""
    query = f"TaskQueue = '{_shelf(scheduler)}' AND {_STANDING}"
    queues = []
    async for one in client.list_workflows(query):
        if event is None or event in await one.memo_value("events", []):
            queues.append(one.id)
    orders = await _together([found(client, queue) for queue in queues])
    return sorted((order for order in orders if order), key=lambda order: order.deployment)


async def queues_in_use(client: Client, scheduler: str) -> list[str]:
    """The task queues of all deployments, and of runs whose deployment is gone."""
    deployed = f"TaskQueue = '{_shelf(scheduler)}' AND {_STANDING}"
    running = f"TaskQueue STARTS_WITH '{scheduler}/' AND {_STANDING}"
    return sorted(
        {
            *[one.id async for one in client.list_workflows(deployed)],
            *[one.task_queue async for one in client.list_workflows(running)],
        }
    )


async def forget(client: Client, queue: str) -> bool:
    """Remove a deployment; False when there is none. Its runs stay (clause L4)."""
    await _keep_no_time(client, queue)
    await _end_quietly(client, _listener(queue))
    return await _end_quietly(client, queue)


async def begin(client: Client, order: Order, request: RunRequest) -> None:
    """Start a run; the same one again starts nothing (clause C6)."""
    order = replace(order, request=asdict(request), created=time.time())
    with contextlib.suppress(WorkflowAlreadyStartedError):
        await client.start_workflow(
            RUN,
            order,
            id=request.run_id,
            task_queue=order.queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            memo=order.memo(),
            static_summary=order.deployment,
        )


async def order_of(client: Client, run_id: str) -> Order | None:
    """What a workflow was started with, or None for an unknown one."""
    with _none_if_unknown():
        async for event in client.get_workflow_handle(run_id).fetch_history_events(page_size=1):
            started = event.workflow_execution_started_event_attributes
            order, *_ = await client.data_converter.decode(started.input.payloads, [Order])
            return order if isinstance(order, Order) else None
    return None


async def run(client: Client, run_id: str) -> dict[str, Any] | None:
    """How a run stands, from the server's own record of it (clause L1); None when unknown."""
    with _none_if_unknown():
        return await _stands(client, await client.get_workflow_handle(run_id).describe())
    return None


async def runs(client: Client, scheduler: str, queue: str | None) -> list[dict[str, Any]]:
    """The runs of a deployment, or all, newest first."""
    where = f"TaskQueue = '{queue}'" if queue else f"TaskQueue STARTS_WITH '{scheduler}/'"
    query = f"WorkflowType = '{RUN}' AND ExecutionStatus != 'ContinuedAsNew' AND {where}"
    listed = [one async for one in client.list_workflows(query)]
    # Listings lag behind: what was running there may be over.
    standing = await _together(
        [
            run(client, one.id)
            if one.status is WorkflowExecutionStatus.RUNNING
            else _stands(client, one)
            for one in listed
        ]
    )
    known = {one["run_id"]: one for one in standing if one}
    return sorted(known.values(), key=lambda one: -float(one["created"]))


async def end(client: Client, run_id: str) -> bool:
    """End a run, and wait until it is over; without any worker, Temporal itself ends it."""
    handle = client.get_workflow_handle(run_id)
    try:
        await handle.cancel()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return await run(client, run_id) is not None
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if not await _goes_on(client, run_id):
            return True
        await asyncio.sleep(0.05)
    with contextlib.suppress(RPCError):
        await handle.terminate("no worker has ended it in time")
    return not await _goes_on(client, run_id)


async def hold(client: Client, run_id: str, suspended: bool) -> None:
    """Start no more tasks of a run, or go on with it."""
    with _none_if_unknown():
        await client.get_workflow_handle(run_id).signal("suspend", suspended)


async def progress(client: Client, run_id: str) -> dict[str, Any] | None:
    """What the workflow of a run says of itself; None when unknown. It takes a worker to ask."""
    with _none_if_unknown():
        answer: dict[str, Any] = await client.get_workflow_handle(run_id).query(
            "progress", result_type=dict[str, Any], rpc_timeout=_QUERY
        )
        return answer
    return None


async def publish(client: Client, scheduler: str, event: Event) -> list[str]:
    """Tell every deployment that waits for an event; answer the runs that it starts at once.

    Where several events start a run together, a workflow of the deployment collects them.
    """
    started = []
    for order in await all_found(client, scheduler, event.name):
        plan = Plan.from_dict(order.plan)
        events = complete(plan.triggers, {event.name: event})
        if events is not None:
            request = request_for(scheduler, plan, events)
            await begin(client, order, request)
            started.append(request.run_id)
            continue
        await client.start_workflow(
            LISTEN,
            args=[order, []],
            id=_listener(order.queue),
            task_queue=order.queue,
            start_signal="event",
            start_signal_args=[event.to_json()],
        )
    return started


async def workers(client: Client, queue: str) -> int:
    """How many workers have lately asked for work of a deployment."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    described = await client.workflow_service.describe_task_queue(request)
    return len(described.pollers)


async def _keep_time(client: Client, order: Order) -> None:
    """Have the server start runs at the times of the deployment's schedule, and at no others."""
    plan = Plan.from_dict(order.plan)
    if plan.schedule is None:
        await _keep_no_time(client, order.queue)
        return
    fresh = Schedule(
        action=ScheduleActionStartWorkflow(
            START,
            order,
            id=f"{order.queue}/start",
            task_queue=order.queue,
            static_summary=order.deployment,
        ),
        spec=ScheduleSpec(
            cron_expressions=[plan.schedule.cron], time_zone_name=plan.schedule.timezone
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.ALLOW_ALL, catchup_window=_CATCH_UP),
        state=ScheduleState(note=f"Metaflow deployment {order.deployment}"),
    )
    try:
        await client.create_schedule(order.queue, fresh)
    except ScheduleAlreadyRunningError:
        handle = client.get_schedule_handle(order.queue)
        await handle.update(lambda _: ScheduleUpdate(schedule=fresh))
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            raise ValueError(f"Temporal does not take the schedule: {error.message}") from error
        raise


async def _keep_no_time(client: Client, queue: str) -> None:
    with _none_if_unknown():
        await client.get_schedule_handle(queue).delete()


async def _end_quietly(client: Client, workflow_id: str) -> bool:
    """End a workflow that records something; False when it is over already."""
    with _none_if_unknown():
        await client.get_workflow_handle(workflow_id).terminate("deployed again or deleted")
        return True
    return False


def _shelf(scheduler: str) -> str:
    """The task queue of deployments, for which nobody works: they only have to be there."""
    return f"{scheduler}.deployments"


def _listener(queue: str) -> str:
    """The id of the workflow that collects the events of a deployment."""
    return f"{queue}/events"


async def _goes_on(client: Client, run_id: str) -> bool:
    described = await client.get_workflow_handle(run_id).describe()
    return described.status is WorkflowExecutionStatus.RUNNING


async def _stands(
    client: Client, one: WorkflowExecution | WorkflowExecutionDescription
) -> dict[str, Any]:
    memo = await one.memo()
    status, reason = await _verdict(client, one)
    return {
        "run_id": one.id,
        "deployment": memo["deployment"],
        "flow_name": memo["flow"],
        "status": status,
        "reason": reason,
        "created": memo["created"],
        "finished": one.close_time.timestamp() if one.close_time else None,
    }


async def _verdict(client: Client, one: WorkflowExecution) -> tuple[str, str]:
    """The word for a status (clause L1), and the reason."""
    match one.status:
        case WorkflowExecutionStatus.COMPLETED:
            return "SUCCEEDED", ""
        case WorkflowExecutionStatus.FAILED:
            return await _failure(client, one)
        case WorkflowExecutionStatus.CANCELED:
            return "ABORTED", "terminated by request"
        case WorkflowExecutionStatus.TERMINATED:
            return "ABORTED", "ended by Temporal"
        case WorkflowExecutionStatus.TIMED_OUT:
            return "ABORTED", "the run took longer than Temporal allows"
        case _:
            return "RUNNING", ""


async def _failure(client: Client, one: WorkflowExecution) -> tuple[str, str]:
    handle = client.get_workflow_handle(one.id, run_id=one.run_id)
    closing = WorkflowHistoryEventFilterType.CLOSE_EVENT
    async for event in handle.fetch_history_events(event_filter_type=closing):
        failure = event.workflow_execution_failed_event_attributes.failure
        kind = failure.application_failure_info.type
        return ("ABORTED" if kind == "ABORTED" else "FAILED"), failure.message
    return "FAILED", ""


async def _together(waiting: Sequence[Awaitable[_Value]]) -> list[_Value]:
    return list(await asyncio.gather(*waiting))


@contextlib.contextmanager
def _none_if_unknown() -> Iterator[None]:
    try:
        yield
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
