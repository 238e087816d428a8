"""Runs that were recorded under earlier versions go on under this one: Temporal replays them."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from temporal_stub import HISTORIES, Stub, engine_modules, order, plan, play, worker

pytest.importorskip("temporalio", reason="temporalio is not installed: no history can be replayed")

RECORDED = sorted(HISTORIES.glob("*.json"))


def replay(path: Path) -> None:
    """Replay a history.

    Raises:
        Exception: the workflow does something else now than it did then.
    """
    from temporalio.client import WorkflowHistory
    from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

    modules = engine_modules()
    history = path.read_text("utf-8")
    replayer = Replayer(
        workflows=[modules["temporal_workflow"].FlowRun],
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=modules["temporal_codec"].converter(),
        debug_mode=True,
    )
    asyncio.run(replayer.replay_workflow(WorkflowHistory.from_json("recorded", history)))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_run_that_was_recorded_is_replayed_as_it_was(path: Path) -> None:
    replay(path)


def test_there_is_a_history_of_every_kind_of_run() -> None:
    kinds = {path.name.split("-")[0] for path in RECORDED}
    assert kinds == {"well", "failing", "terminated", "suspended", "resumed", "long", "refused"}


def test_a_walker_that_forgets_a_branch_breaks_the_recorded_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = engine_modules()["walk_graph"].Graph
    open_split = graph._open_split
    monkeypatch.setattr(graph, "_open_split", lambda *told: open_split(*told)[:1])
    well = HISTORIES / "well-0.v1.json"

    from temporalio.workflow import NondeterminismError

    with pytest.raises(NondeterminismError):
        replay(well)


def test_large_values_are_compressed_and_come_back() -> None:
    from temporalio.api.common.v1 import Payload

    codec = engine_modules()["temporal_codec"].Squeeze()
    small, large = Payload(data=b"x" * 10), Payload(data=b"x" * 100_000)

    packed = asyncio.run(codec.encode([small, large]))

    assert packed[0] == small
    assert packed[1].ByteSize() < 2_000
    assert asyncio.run(codec.decode(packed)) == [small, large]


def test_steps_are_routed_by_what_they_ask_for() -> None:
    modules = engine_modules()
    step, routed = modules["plan"].Step, modules["temporal_orders"].routed
    steps = [
        step("small", "linear"),
        step("big", "linear", resources={"memory": 64_000.0}),
        step("both", "linear", resources={"memory": 64_000.0, "gpu": 1.0}),
    ]

    assert routed("", steps) == {}
    assert routed("gpu: gpu >= 1; large: memory>=32000;", steps) == {"big": "large", "both": "gpu"}
    with pytest.raises(ValueError, match="Route 'large memory': write it as NAME"):
        routed("large memory", steps)


def test_of_a_large_plan_only_what_a_workflow_reads_travels() -> None:
    modules = engine_modules()
    made, orders = modules["plan"], modules["temporal_orders"]
    large = os.urandom(orders.LARGE).hex()
    whole = plan(configs={"large": large}, options=(("--quiet",),))

    light, is_whole = orders.travelling(whole)

    assert orders.travelling(plan()) == (plan(), True)
    assert (is_whole, light.configs, light.options) == (False, {}, ())
    assert made.Plan.from_dict(json.loads(light.to_json())) == light
    assert (light.identity, light.max_workers) == (whole.identity, whole.max_workers)
    assert list(light.steps) == list(whole.steps)
    assert [one.name for one in light.parameters] == [one.name for one in whole.parameters]
    walkers = [modules["walk"].Walker(one) for one in (whole, light)]
    assert walkers[0].start() == walkers[1].start()


def test_a_graph_that_is_too_large_for_the_server_is_refused() -> None:
    modules = engine_modules()
    names = [os.urandom(20_000).hex() for _ in range(100)]
    graph = {name: modules["plan"].Step(name, "linear") for name in names}

    with pytest.raises(ValueError, match=r"The graph of 'Stub' has \d+ bytes.*Split the flow\."):
        modules["temporal_orders"].travelling(replace(plan(), steps=graph))


def test_orders_and_attempts_survive_their_way_through_temporal() -> None:
    modules = engine_modules()
    orders, walk = modules["temporal_orders"], modules["walk"]
    converter = modules["temporal_codec"].converter().payload_converter
    told = order(plan(), routes={"body": "large"}, due={"t-body-1": 3.5})
    launch = walk.Launch(
        "body", "t-body-1", 1, (walk.TaskRef("start", "t-start"),), (1,), split_index=1, delay=2.0
    )
    ended = walk.Finished("t-body-1", 1, 0, walk.Handout(3, "a", ("x", "y")), "note")

    (again,) = converter.from_payloads(converter.to_payloads([told]), [orders.Order])

    assert json.loads(json.dumps(asdict(told))) == asdict(again)
    assert orders.launch_from(json.loads(json.dumps(asdict(launch)))) == launch
    assert orders.finished_from(json.loads(json.dumps(orders.to_dict(ended)))) == ended


@pytest.mark.slow
@pytest.mark.temporal
@pytest.mark.timeout(1800)
def test_ten_thousand_items_complete_in_bounded_histories(benches: Any, tmp_path: Path) -> None:
    from live_temporal import Stage

    stage = Stage.open(*benches["temporal"], tmp_path)
    host = stage.server.settings["METAFLOW_MY_SCHEDULER_HOST"]

    async def run() -> tuple[dict[str, Any], list[int]]:
        stub = Stub(width=10_000)
        async with worker(host, stub) as client:
            handle = await play(client, plan(), "stub-wide")
            answer = await handle.result()
            lengths = [
                (
                    await client.get_workflow_handle(one.id, run_id=one.run_id).describe()
                ).raw_description.workflow_execution_info.history_length
                async for one in client.list_workflows("WorkflowId = 'stub-wide'")
            ]
            assert all(len(list(group)) == 1 for _, group in itertools.groupby(sorted(stub.made)))
            return answer, lengths

    try:
        answer, lengths = asyncio.run(run())
    finally:
        stage.close()
    assert answer == {"tasks": 10_000 + 10}
    assert len(lengths) > 3
    assert max(lengths) < 20_000
