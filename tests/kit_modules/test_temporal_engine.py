"""The Temporal engine with a real server and real workers, which die at the worst moments."""

from __future__ import annotations

import os
import signal

import pytest
from engine_contract import EngineContract
from live_engine import wait_until
from live_temporal import TemporalLive

pytest.importorskip("temporalio", reason="temporalio is not installed: no Temporal test can run")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

#: For `make test-temporal`; the others are the sample that every change has to pass.
long = pytest.mark.temporal


@pytest.fixture
def live(temporal_live: TemporalLive) -> TemporalLive:
    return temporal_live


@long
class TestTemporal(EngineContract):
    engine = "temporal"


def test_a_killed_worker_is_replaced_and_its_attempt_made_again_under_its_number(
    live: TemporalLive,
) -> None:
    run_id = live.half_done(live.deploy("work"))

    live.stage.dismiss(signal.SIGKILL)
    live.no_process_is_left()
    assert live.engine.run(run_id).status == "RUNNING"
    live.stage.hire("--max-tasks", "4")

    live.goes_on_where_it_was(run_id)
    live.no_process_is_left()


@long
def test_a_step_that_had_succeeded_before_its_worker_could_say_so_is_not_run_again(
    live: TemporalLive,
) -> None:
    run_id = live.start(live.deploy("work"), width=1, hold=True)
    wait_until(lambda: live.marked(run_id, "body", "begin"), "the item begins")
    (worker,) = live.stage.workers
    os.kill(worker.pid, signal.SIGSTOP)  # It sees nothing, and says nothing, from now on.
    live.let_go(run_id, "go0")
    stored = live.bench.datastore / f".metaflow/Work/{run_id}/body/t-body-0"
    wait_until(lambda: list(stored.glob("0.DONE*")), "the step stores its success")

    live.stage.dismiss(signal.SIGKILL)
    live.stage.hire()

    assert live.finished(run_id).status == "SUCCEEDED"
    assert live.marked(run_id, "body", "begin") == [(0, 0)]
    assert live.marked(run_id, "end", "begin") == [(None, 0)]


@long
def test_a_run_waits_for_workers_and_loses_nothing(live: TemporalLive) -> None:
    name = live.deploy("work")
    live.stage.dismiss()
    run_id = live.start(name, width=2)
    assert live.engine.run(run_id).status == "RUNNING"
    assert live.marks(run_id) == []

    live.stage.hire()

    assert live.finished(run_id).status == "SUCCEEDED"
    assert sorted(live.marked(run_id, "body", "end")) == [(0, 0), (1, 0)]


@long
def test_a_server_that_is_killed_goes_on_where_it_was(live: TemporalLive) -> None:
    run_id = live.half_done(live.deploy("work"))

    live.stage.server.stop(signal.SIGKILL)
    live.stage.server.start()

    live.ends_well(run_id)


@long
def test_a_worker_that_is_asked_to_stop_hands_its_task_back(live: TemporalLive) -> None:
    run_id = live.start(live.deploy("solo"), hold=True)
    live.has_begun(run_id)
    begun = live.notes(run_id) / "begun"

    live.stage.dismiss(signal.SIGTERM)
    live.no_process_is_left()
    live.stage.hire()
    wait_until(lambda: begun.read_text() == "0\n0\n", "the attempt is made by the other worker")
    live.let_go(run_id)

    assert live.finished(run_id).status == "SUCCEEDED"


@long
def test_a_draining_worker_lets_its_task_end_and_takes_no_other(live: TemporalLive) -> None:
    name = live.deploy("solo")
    live.stage.dismiss()
    patient = live.stage.hire("--drain", "300")
    run_id = live.start(name, hold=True)
    live.has_begun(run_id)

    patient.send_signal(signal.SIGTERM)
    other = live.start(name)
    log = live.stage.log
    wait_until(lambda: "Takes no more work" in log.read_text(), "the worker drains")
    live.let_go(run_id)
    wait_until(lambda: patient.poll() is not None, "the drained worker ends")
    assert patient.returncode == 0
    live.stage.workers.clear()
    assert not (live.notes(other) / "begun").exists()
    live.stage.hire()

    assert live.finished(run_id).status == "SUCCEEDED"
    assert (live.notes(run_id) / "begun").read_text() == "0\n"
    assert live.finished(other).status == "SUCCEEDED"


@long
def test_a_worker_takes_the_work_of_its_deployment_only(live: TemporalLive) -> None:
    name, other = live.deploy("solo", name="mine"), live.deploy("solo", name="theirs")
    live.stage.dismiss()
    live.stage.hire("--deployment", name)

    theirs = live.start(other)
    mine = live.start(name)

    assert live.finished(mine).status == "SUCCEEDED"
    assert live.engine.run(theirs).status == "RUNNING"
    assert not (live.notes(theirs) / "begun").exists()
    live.stage.dismiss()
    live.stage.hire()
    assert live.finished(theirs).status == "SUCCEEDED"


@long
def test_a_run_without_any_worker_can_be_terminated(live: TemporalLive) -> None:
    name = live.deploy("solo")
    live.stage.dismiss()
    run_id = live.start(name)

    assert live.engine.terminate(run_id) is True
    assert live.engine.run(run_id).status == "ABORTED"


@long
def test_a_long_run_goes_on_in_new_histories(
    live: TemporalLive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METAFLOW_MY_SCHEDULER_HISTORY", "40")
    run_id = live.start(live.deploy("work", name="long"), width=12)

    assert live.finished(run_id).status == "SUCCEEDED"
    assert sorted(live.marked(run_id, "body", "end")) == [(item, 0) for item in range(12)]
    assert live.marked(run_id, "start", "begin") == [(None, 0)]


@long
def test_a_suspended_run_starts_nothing_until_it_goes_on(live: TemporalLive) -> None:
    run_id = live.start(live.deploy("work"), width=1, hold=True)
    wait_until(lambda: live.marked(run_id, "body", "begin"), "the item begins")
    live.engine.suspend(run_id, True)
    live.let_go(run_id, "go0")
    wait_until(lambda: live.recorded(run_id, "t-body-0"), "the item is recorded")
    assert live.engine.progress(run_id)["suspended"] is True
    assert live.marked(run_id, "end", "begin") == []

    live.engine.suspend(run_id, False)

    assert live.finished(run_id).status == "SUCCEEDED"


def test_without_a_server_a_command_says_so_in_one_sentence(live: TemporalLive) -> None:
    nowhere = {**live.bench.environment, "METAFLOW_MY_SCHEDULER_HOST": "127.0.0.1:1"}
    engine = live.module.Engine(nowhere)

    with pytest.raises(live.module.EngineError, match=r"does not answer at 127\.0\.0\.1:1"):
        engine.runs()
