"""The helper process of :mod:`.temporal_link`: it has the SDK, and the connection.

    python -m ….temporal_gateway ADDRESS

Reads one request per line, answers with one line, and ends when nobody has asked for a moment.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from .plan import RunRequest
from .starts import Event
from .temporal_address import Address, connect

if TYPE_CHECKING:
    from temporalio.client import Client

#: Seconds without a request after which the helper ends.
_IDLE = 1.5

_MISSING = (
    "This scheduler needs the package temporalio, which is not installed for {python}. "
    "Install the extension with its extra: pip install 'EXTENSION[temporal]'."
)


Call = Callable[..., Awaitable[Any]]


def calls_on(client: Client) -> Mapping[str, Call]:
    """What can be requested, by name."""
    from . import temporal_calls as calls
    from . import temporal_runs as runs
    from .temporal_orders import Order

    async def save(order: dict[str, Any]) -> None:
        await calls.save(client, Order(**order))

    async def found(queue: str) -> dict[str, Any] | None:
        order = await calls.found(client, queue)
        return asdict(order) if order else None

    async def all_found(scheduler: str) -> list[dict[str, Any]]:
        return [asdict(order) for order in await calls.all_found(client, scheduler)]

    async def begin(order: dict[str, Any], request: dict[str, Any]) -> None:
        await runs.begin(client, Order(**order), RunRequest.from_dict(request))

    async def order_of(run_id: str) -> dict[str, Any] | None:
        order = await runs.order_of(client, run_id)
        return asdict(order) if order else None

    async def publish(scheduler: str, event: str) -> list[str]:
        return await calls.publish(client, scheduler, Event.from_json(event))

    own = (save, found, all_found, begin, order_of, publish)
    told = (runs.run, runs.runs, calls.workers, runs.progress)
    plain = (*told, calls.forget, runs.end, runs.hold)
    return {
        **{call.__name__: call for call in own},
        **{call.__name__: partial(call, client) for call in plain},
    }


async def serve(to: Address) -> None:
    """Answer requests until there are none."""
    # The SDK writes its log to the standard output, which is for answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    calls: Mapping[str, Call] | None = None
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while True:
        try:
            line = await asyncio.wait_for(reader.readline(), _IDLE)
        except asyncio.TimeoutError:
            return
        if not line:
            return
        answer: dict[str, Any]
        try:
            if calls is None:
                calls = calls_on(await connect(to))
            request = json.loads(line)
            answer = {"answer": await calls[request["call"]](**request["arguments"])}
        except Exception as error:
            answer = {"error": _said(error, to)}
        try:
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
        except OSError:
            return  # Whoever asked is gone.


def _said(error: Exception, to: Address) -> str:
    """An error as one sentence for people."""
    if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("temporalio"):
        return _MISSING.format(python=sys.executable)
    if isinstance(error, ValueError):
        return str(error)
    if isinstance(error, RuntimeError | OSError):
        return (
            f"Temporal does not answer at {to.host}: {error}. Start a server with `temporal server "
            "start-dev`, or set the address; the README of the extension names the settings."
        )
    return f"Temporal at {to.host}, namespace {to.namespace}: {type(error).__name__}: {error}"


if __name__ == "__main__":
    asyncio.run(serve(Address.from_json(sys.argv[1])))
    # The SDK may crash an interpreter that ends in the usual way; everything is done by now.
    os._exit(0)
