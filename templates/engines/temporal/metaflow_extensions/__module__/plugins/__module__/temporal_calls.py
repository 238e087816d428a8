"""What is asked of a Temporal server about deployments, and about what starts their runs.

A deployment is a workflow that nobody works on: it stands there with its plan as argument, is
replaced in one step and shows in Temporal's UI; nobody has to be awake for it. A Temporal schedule
of the same name starts what has @schedule. All of it is asynchronous; :mod:`.temporal_link` is how
commands call it.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

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
    WorkflowExecutionStatus,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from .plan import Plan
from .starts import Event, complete
from .temporal_orders import DEPLOYMENT, LISTEN, START, Order, request_for
from .temporal_runs import begin, none_if_unknown, order_of, together

#: What is there and not over, in the words of a query.
_STANDING = "ExecutionStatus = 'Running'"

#: Seconds that a new deployment has to show in listings, which lag behind.
_LAG = 10.0

#: Times of a schedule that passed while the server was down, and are made up for.
_CATCH_UP = timedelta(minutes=10)

#: Seconds that the server has to answer whether it is there.
SIGN_OF_LIFE = timedelta(seconds=5)


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
    with none_if_unknown():
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
    orders = await together([found(client, queue) for queue in queues])
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
    with none_if_unknown():
        await client.get_schedule_handle(queue).delete()


async def _end_quietly(client: Client, workflow_id: str) -> bool:
    """End a workflow that records something; False when it is over already."""
    with none_if_unknown():
        await client.get_workflow_handle(workflow_id).terminate("deployed again or deleted")
        return True
    return False


def _shelf(scheduler: str) -> str:
    """The task queue of deployments, for which nobody works: they only have to be there."""
    return f"{scheduler}.deployments"


def _listener(queue: str) -> str:
    """The id of the workflow that collects the events of a deployment."""
    return f"{queue}/events"
