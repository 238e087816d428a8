"""What is asked of a Temporal server about runs, which are its workflows.

All of it is asynchronous; :mod:`.temporal_link` is how commands call it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHistoryEventFilterType,
)
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from .plan import RunRequest
from .temporal_orders import RUN, Order

#: Seconds that a run has to end by itself before Temporal ends it, without any worker's help.
_PATIENCE = 15.0

#: Seconds that a worker has to answer a question about a run.
_QUERY = timedelta(seconds=30)

_Value = TypeVar("_Value")


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
    with none_if_unknown():
        async for event in client.get_workflow_handle(run_id).fetch_history_events(page_size=1):
            started = event.workflow_execution_started_event_attributes
            order, *_ = await client.data_converter.decode(started.input.payloads, [Order])
            return order if isinstance(order, Order) else None
    return None


async def run(client: Client, run_id: str) -> dict[str, Any] | None:
    """How a run stands, from the server's own record of it (clause L1); None when unknown."""
    with none_if_unknown():
        return await _stands(client, await client.get_workflow_handle(run_id).describe())
    return None


async def runs(client: Client, scheduler: str, queue: str | None) -> list[dict[str, Any]]:
    """The runs of a deployment, or all, newest first."""
    where = f"TaskQueue = '{queue}'" if queue else f"TaskQueue STARTS_WITH '{scheduler}/'"
    query = f"WorkflowType = '{RUN}' AND ExecutionStatus != 'ContinuedAsNew' AND {where}"
    listed = [one async for one in client.list_workflows(query)]
    # Listings lag behind: what was running there may be over.
    standing = await together(
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
    with none_if_unknown():
        await client.get_workflow_handle(run_id).signal("suspend", suspended)


async def progress(client: Client, run_id: str) -> dict[str, Any] | None:
    """What the workflow of a run says of itself; None when unknown. It takes a worker to ask."""
    with none_if_unknown():
        answer: dict[str, Any] = await client.get_workflow_handle(run_id).query(
            "progress", result_type=dict[str, Any], rpc_timeout=_QUERY
        )
        return answer
    return None


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


async def _goes_on(client: Client, run_id: str) -> bool:
    described = await client.get_workflow_handle(run_id).describe()
    return described.status is WorkflowExecutionStatus.RUNNING


async def together(waiting: Sequence[Awaitable[_Value]]) -> list[_Value]:
    """The values of several requests that are made at once."""
    return list(await asyncio.gather(*waiting))


@contextlib.contextmanager
def none_if_unknown() -> Iterator[None]:
    """Leave the block where the server does not know what it is about."""
    try:
        yield
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
