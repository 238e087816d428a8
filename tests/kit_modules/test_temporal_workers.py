"""Workers that come back, or differ in version, and plans that are too large for the server."""

from __future__ import annotations

import gzip
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from live_engine import wait_until
from live_temporal import TemporalLive, older

pytest.importorskip("temporalio", reason="temporalio is not installed: no Temporal test can run")

pytestmark = [pytest.mark.slow, pytest.mark.temporal, pytest.mark.timeout(900)]


@pytest.fixture
def live(temporal_live: TemporalLive) -> TemporalLive:
    return temporal_live


def test_an_attempt_that_is_delivered_twice_after_its_success_is_made_once(
    live: TemporalLive,
) -> None:
    run_id = live.start(live.deploy("work"), width=1, hold=True)
    wait_until(lambda: live.marked(run_id, "body", "begin"), "the item begins")
    (first,) = live.stage.workers
    os.kill(first.pid, signal.SIGSTOP)  # It sees nothing, and says nothing, for now.
    live.let_go(run_id, "go0")
    stored = live.bench.datastore / f".metaflow/Work/{run_id}/body/t-body-0"
    wait_until(lambda: list(stored.glob("0.DONE*")), "the step stores its success")

    second = live.stage.hire()
    wait_until(lambda: live.marked(run_id, "end", "begin"), "the second delivery is answered")
    os.kill(first.pid, signal.SIGCONT)

    assert live.finished(run_id).status == "SUCCEEDED"
    live.stage.dev.end(second)
    live.stage.workers.remove(second)
    # What the first one had to say came too late, and it works on.
    assert live.finished(live.start(live.deploy("solo"))).status == "SUCCEEDED"
    assert live.marked(run_id, "body", "begin") == [(0, 0)]
    assert live.marked(run_id, "end", "begin") == [(None, 0)]


def test_an_attempt_that_is_delivered_twice_while_it_is_made_ends_once(live: TemporalLive) -> None:
    run_id = live.start(live.deploy("work"), width=1, hold=True)
    wait_until(lambda: live.marked(run_id, "body", "begin"), "the item begins")
    (first,) = live.stage.workers
    os.kill(first.pid, signal.SIGSTOP)

    live.stage.hire()
    wait_until(
        lambda: live.marked(run_id, "body", "begin") == [(0, 0), (0, 0)],
        "the attempt is made by the other worker, under its number",
    )
    os.kill(first.pid, signal.SIGCONT)
    live.let_go(run_id, "go0")

    assert live.finished(run_id).status == "SUCCEEDED"
    assert live.marked(run_id, "body", "end") == [(0, 0)]
    assert live.marked(run_id, "end", "begin") == [(None, 0)]
    live.stage.dismiss()


def test_a_run_that_an_older_version_has_started_goes_on_under_this_one(
    live: TemporalLive, tmp_path: Path
) -> None:
    before = older(live.stage.bench, tmp_path / "older")
    live.stage.dismiss()
    live.stage.hire("--max-tasks", "4", bench=before)
    TemporalLive(before, live.module, tmp_path, stage=live.stage).command(
        "work", "create", name="before"
    )
    run_id = live.half_done("before")

    live.stage.dismiss(signal.SIGKILL)
    live.stage.hire("--max-tasks", "4")

    live.goes_on_where_it_was(run_id)


def test_an_older_worker_leaves_newer_plans_to_others(live: TemporalLive, tmp_path: Path) -> None:
    name = live.deploy("work")
    live.stage.dismiss()
    before = older(live.stage.bench, tmp_path / "older")
    live.stage.hire("--max-tasks", "4", bench=before)
    log = live.stage.log
    run_id = live.start(name, width=4)
    wait_until(lambda: "Update the extension" in log.read_text(), "the older worker refuses")

    live.stage.hire("--max-tasks", "1")

    assert live.finished(run_id).status == "SUCCEEDED"
    assert sorted(live.marked(run_id, "body", "begin")) == [(item, 0) for item in range(4)]
    assert live.marked(run_id, "end", "begin") == [(None, 0)]
    live.stage.dismiss()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: gzip.compress(b'{"version": 1'), id="no plan in it"),
        pytest.param(lambda packed: packed[: len(packed) // 2], id="cut off"),
        pytest.param(lambda _: b"nothing of gzip's", id="not packed"),
    ],
)
def test_a_damaged_plan_fails_its_run_at_once_and_says_so(
    live: TemporalLive, damage: Callable[[bytes], bytes]
) -> None:
    live.stage.dismiss()
    run_id = live.start(live.deploy("work"))
    key = live.engine._ask("order_of", run_id=run_id)["reference"]["key"]
    (stored,) = live.bench.datastore.glob(f".metaflow/Work/data/*/{key}")
    stored.write_bytes(damage(stored.read_bytes()))

    live.stage.hire()

    run = live.finished(run_id)
    assert run.status == "FAILED"
    assert "a damaged one" in run.reason
    assert "Deploy the flow again" in run.reason
    assert live.deliveries(run_id) == 1
    live.stage.dismiss()


def test_a_plan_that_is_too_large_for_the_server_travels_by_reference(live: TemporalLive) -> None:
    text = os.urandom(2_500_000).hex()
    (live.flow("large").parent / "blob.json").write_text(json.dumps({"text": text}))
    name = live.deploy("large")

    run_id = live.start(name)

    assert live.finished(run_id).status == "SUCCEEDED"
    assert (live.notes(run_id) / "length").read_text() == str(len(text))
    assert text in live.engine.deployment(name).to_json()
    assert live.engine._ask("order_of", run_id=run_id)["whole"] is False
    again = live.request()
    live.engine.start(name, live.engine.resumption(again.run_id, run_id, "end"))
    assert live.finished(again.run_id).status == "SUCCEEDED"
