"""Workflows of the Temporal engine with activities that answer at once: no Metaflow, no process.

    python tests/kit_modules/temporal_stub.py VERSION

records histories anew, beside those that are kept: an old one shows that a run which was started
under an older version goes on under this one, so none is ever recorded over.
"""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Names files of whoever recorded.
_TRACE = re.compile(r'"stackTrace":\s*"(?:[^"\\]|\\.)*"')

HISTORIES = Path(__file__).parent / "histories"


def engine_modules() -> dict[str, Any]:
    """The engine's modules, where they stand in the templates."""
    if "in_place" not in sys.modules:
        importlib.import_module("conftest")
    names = ("plan", "walk", *(f"temporal_{what}" for what in ("orders", "workflow", "starts")))
    names = (*names, "walk_graph", "temporal_codec", "temporal_runs", "temporal_patience")
    return {name: importlib.import_module(f"in_place.{name}") for name in names}


def plan(width: int = 3, **changes: Any) -> Any:
    """A flow with one of each: foreach, retry, split, recursive switch, joins."""
    made = engine_modules()["plan"]
    graph = (
        made.Step("start", "foreach", ("body",), join="gather"),
        made.Step("body", "linear", ("gather",), attempts=2, user_retries=1),
        made.Step("gather", "join", ("fork",)),
        made.Step("fork", "split", ("left", "right"), join="both"),
        made.Step("left", "linear", ("both",)),
        made.Step("right", "split-switch", ("right", "done")),
        made.Step("done", "linear", ("both",)),
        made.Step("both", "join", ("end",)),
        made.Step("end", "end"),
    )
    return made.Plan(
        identity=made.Identity("Stub", "Stub", "ada", "token"),
        start_step="start",
        end_step="end",
        steps={step.name: step for step in graph},
        parameters=(made.Parameter("width", "width", default=str(width)),),
        **changes,
    )


@dataclass(slots=True)
class Stub:
    """Activities that answer at once.

    Attributes:
        width: items of the foreach.
        fails: attempts that fail, as `task.attempt`.
        held: tasks that go on until :attr:`go` is set.
        refused: tasks whose plan the worker is too old for, and how often.
        made: attempts that were made, as `task.attempt`.
    """

    width: int = 3
    fails: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    refused: dict[str, int] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    origin: Mapping[str, Any] = field(default_factory=dict)

    def activities(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        from temporalio import activity

        orders = engine_modules()["temporal_orders"]

        # Annotations are resolved by the SDK, so they cannot name what was imported here.
        @activity.defn(name=orders.ATTEMPT)
        async def attempt(work: dict) -> dict:  # type: ignore[type-arg]
            return await self._attempt(work["launch"])

        @activity.defn(name=orders.ORIGIN)
        async def origin(work: dict) -> dict:  # type: ignore[type-arg]
            return dict(self.origin)

        @activity.defn(name=orders.ENDED)
        async def ended(work: dict) -> list:  # type: ignore[type-arg]
            return []

        return [attempt, origin, ended]

    async def _attempt(self, launch: dict[str, Any]) -> dict[str, Any]:
        from temporalio import activity
        from temporalio.exceptions import ApplicationError

        task, number = launch["task_id"], launch["attempt"]
        if self.refused.get(task, 0) > 0:
            self.refused[task] -= 1
            raise ApplicationError("too old", type=engine_modules()["temporal_orders"].TOO_NEW)
        self.made.append(f"{task}.{number}")
        while task in self.held and not self.go.is_set():
            activity.heartbeat()
            await asyncio.sleep(0.05)
        width = self.width if launch["step"] == "start" else None
        chosen = {"t-right-r0": "right", "t-right-r1": "done"}.get(task)
        return {
            "task_id": task,
            "attempt": number,
            "exit_code": int(f"{task}.{number}" in self.fails),
            "handout": {"width": width, "chosen": chosen, "mappers": []},
            "note": "",
        }


def order(made: Any, **changes: Any) -> Any:
    """The order for a plan."""
    orders = engine_modules()["temporal_orders"]
    told: dict[str, Any] = {
        "plan": made.to_dict(),
        "reference": {"key": "none"},
        "request": {},
        "deployment": "Stub",
        "scheduler": "stub",
        "queue": "stub/Stub",
        "heartbeat": 60.0,
        **changes,
    }
    return orders.Order(**told)


@asynccontextmanager
async def worker(host: str, stub: Stub) -> Any:
    """A client and a worker with the engine's workflows, for a block."""
    from temporalio.client import Client
    from temporalio.worker import UnsandboxedWorkflowRunner, Worker

    modules = engine_modules()
    starts = modules["temporal_starts"]
    client = await Client.connect(
        host, data_converter=modules["temporal_codec"].converter(), identity="recorder"
    )
    async with Worker(
        client,
        task_queue="stub/Stub",
        workflows=[modules["temporal_workflow"].FlowRun, starts.Afterwards],
        activities=stub.activities(),
        workflow_runner=UnsandboxedWorkflowRunner(),
        debug_mode=True,
    ):
        yield client


async def play(client: Any, made: Any, run_id: str, **changes: Any) -> Any:
    """Start a run; answer its handle."""
    modules = engine_modules()
    given = modules["plan"].RunRequest(run_id, **changes.pop("request", {}))
    await modules["temporal_runs"].begin(client, order(made, **changes), given)
    return client.get_workflow_handle(run_id)


async def _well(host: str) -> list[Any]:
    stub = Stub(fails=("t-body-1.0",))
    async with worker(host, stub) as client:
        handle = await play(client, plan(), "stub-well")
        await handle.result()
        return [handle]


async def _failing(host: str) -> list[Any]:
    stub = Stub(fails=("t-body-1.0", "t-body-1.1"))
    async with worker(host, stub) as client:
        handle = await play(client, plan(), "stub-failing")
        await _outcome(handle)
        return [handle]


async def _terminated(host: str) -> list[Any]:
    stub = Stub(held=("t-left",))
    async with worker(host, stub) as client:
        handle = await play(client, plan(), "stub-terminated")
        await _until(lambda: "t-left.0" in stub.made)
        await handle.cancel()
        await _outcome(handle)
        return [handle]


async def _suspended(host: str) -> list[Any]:
    stub = Stub(held=("t-body-0",))
    async with worker(host, stub) as client:
        handle = await play(client, plan(), "stub-suspended")
        await _until(lambda: "t-body-0.0" in stub.made)
        await handle.signal("suspend", True)
        stub.go.set()
        await handle.signal("suspend", False)
        await handle.result()
        return [handle]


async def _resumed(host: str) -> list[Any]:
    nothing = {"width": None, "chosen": None, "mappers": []}
    done = ("t-start-params", "t-start", "t-body-0", "t-body-2")
    origin = {task: {**nothing, "width": 3 if task == "t-start" else None} for task in done}
    async with worker(host, Stub(origin=origin)) as client:
        handle = await play(
            client, plan(), "stub-resumed", request={"origin_run_id": "stub-failing"}
        )
        await handle.result()
        return [handle]


async def _refused(host: str) -> list[Any]:
    async with worker(host, Stub(refused={"t-left": 2})) as client:
        handle = await play(client, plan(), "stub-refused")
        await handle.result()
        return [handle]


async def _long(host: str) -> list[Any]:
    async with worker(host, Stub(width=12)) as client:
        handle = await play(client, plan(max_workers=4), "stub-long", history=60)
        first = client.get_workflow_handle("stub-long", run_id=(await handle.describe()).run_id)
        await handle.result()
        return [first, handle]


RECORDED: Mapping[str, Callable[[str], Awaitable[list[Any]]]] = {
    "well": _well,
    "failing": _failing,
    "terminated": _terminated,
    "suspended": _suspended,
    "resumed": _resumed,
    "long": _long,
    "refused": _refused,
}


async def _outcome(handle: Any) -> str:
    from temporalio.client import WorkflowFailureError

    try:
        await handle.result()
    except WorkflowFailureError as error:
        return str(error.cause)
    return ""


async def _until(holds: Callable[[], bool]) -> None:
    async def look() -> None:
        while not holds():
            await asyncio.sleep(0.05)

    await asyncio.wait_for(look(), 120)


async def record(host: str, version: str) -> None:
    """Play every kind of run, and keep its history."""
    HISTORIES.mkdir(exist_ok=True)
    for name, scene in RECORDED.items():
        for number, handle in enumerate(await scene(host)):
            text = _TRACE.sub('"stackTrace":""', (await handle.fetch_history()).to_json())
            path = HISTORIES / f"{name}-{number}.{version}.json"
            assert not path.exists(), f"{path} is kept: record under another version"
            path.write_text(text, encoding="utf-8")
            print(path.name, len(text))


def main() -> None:
    """Record under the version that is given, against a server of its own."""
    from scaffolded import make_bench

    version = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        bench = make_bench(Path(folder), "temporal")
        sys.path.insert(0, str(bench.project))
        package = "metaflow_extensions.my_scheduler.plugins.my_scheduler"
        server = importlib.import_module(f"{package}.temporal_dev").Server(Path(folder))
        server.start()
        try:
            asyncio.run(record(server.settings["METAFLOW_MY_SCHEDULER_HOST"], version))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
