"""The embedded engine on PostgreSQL: machines that share runs, one of which dies or is paused."""

from __future__ import annotations

import os
import signal

import pytest
from cluster import Cluster
from live_engine import wait_until
from machines import LEASE, Machines

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_run_of_a_machine_that_died_goes_on_at_another_one(machines: Machines) -> None:
    live = machines.live
    name = live.deploy("work")
    machines.serve("a")
    run_id = live.half_done(name)
    machines.serve("b")

    machines.power_off("a")

    live.goes_on_where_it_was(run_id)


@pytest.mark.postgres
def test_an_executor_that_was_paused_for_too_long_changes_nothing_any_more(
    machines: Machines,
) -> None:
    live = machines.live
    name = live.deploy("work")
    machines.serve("a")
    run_id = live.half_done(name)
    machines.serve("b")
    (paused,) = machines.executors("a")

    os.kill(machines.servers["a"].pid, signal.SIGKILL)  # So that it takes nothing back.
    os.kill(paused, signal.SIGSTOP)
    wait_until(
        lambda: live.marked(run_id, "body", "begin").count((1, 0)) == 2,
        "the attempt is made again",
    )
    assert machines.executors("b")
    assert [paused] == machines.executors("a")
    assert not [pid for pid in machines.processes("a", "step") if pid != paused]
    os.kill(paused, signal.SIGCONT)
    wait_until(lambda: paused not in machines.processes("a"), "the paused executor is dead")

    live.ends_well(run_id)
    assert live.marked(run_id, "body", "begin").count((1, 0)) == 2
    wait_until(lambda: not machines.processes("a"), "nothing of the first machine is left")


@pytest.mark.postgres
def test_an_executor_that_was_paused_for_less_than_its_lease_keeps_its_run(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = machines.live
    name = live.deploy("work")
    lease = 8 * LEASE  # Half of it is left to continue in time, on a busy machine, too.
    monkeypatch.setenv(live.variable("LEASE"), str(lease))
    machines.serve("a")
    run_id = live.half_done(name)
    machines.serve("b")
    (paused,) = machines.executors("a")
    fence, _ = machines.held(run_id)

    os.kill(paused, signal.SIGSTOP)
    # It is renewed every eighth: by then one has been missed.
    wait_until(lambda: machines.held(run_id)[1] < 0.8 * lease, "the lease is not renewed in time")
    os.kill(paused, signal.SIGCONT)
    wait_until(lambda: machines.held(run_id)[1] > 0.8 * lease, "the lease is renewed again")

    live.ends_well(run_id)
    assert live.marked(run_id, "body", "begin").count((1, 0)) == 1
    assert machines.held(run_id)[0] == fence, "nobody else has claimed the run"


@pytest.mark.postgres
def test_a_run_outlives_a_restart_of_the_database(machines: Machines, postgres: Cluster) -> None:
    live = machines.live
    name = live.deploy("solo")
    machines.serve("a")
    run_id = live.start(name, hold=True)
    live.has_begun(run_id)

    postgres.stop()
    postgres.start()

    assert live.engine.run(run_id).status == "RUNNING"
    live.let_go(run_id)
    assert live.finished(run_id).status == "SUCCEEDED"
    assert (live.notes(run_id) / "begun").read_text() == "0\n"


@pytest.mark.postgres
def test_a_run_is_ended_from_a_machine_that_does_not_drive_it(machines: Machines) -> None:
    live = machines.live
    name = live.deploy("solo")
    machines.serve("a")
    run_id = live.start(name, hold=True)
    live.has_begun(run_id)

    assert live.engine.terminate(run_id) is True

    assert live.engine.run(run_id).status == "ABORTED"
    wait_until(lambda: not machines.executors("a"), "nothing drives the run any more")


@pytest.mark.postgres
def test_a_run_that_nobody_has_taken_says_what_to_start_and_can_be_ended(
    machines: Machines,
) -> None:
    live = machines.live
    run_id = live.start(live.deploy("solo"), hold=True)
    assert "serve" in live.engine.run(run_id).reason
    assert live.engine.run(run_id).status == "PENDING"
    assert live.engine.terminate(run_id) is True
    assert live.engine.run(run_id).status == "ABORTED"


@pytest.mark.postgres
def test_machines_share_the_runs_and_none_is_driven_twice(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = machines.live
    name = live.deploy("solo")
    monkeypatch.setenv(live.variable("RUNS"), "4")
    runs = [live.start(name) for _ in range(12)]
    machines.serve("a")
    machines.serve("b")

    for run_id in runs:
        assert live.finished(run_id).status == "SUCCEEDED"
        assert (live.notes(run_id) / "begun").read_text() == "0\n"
    driven = [list((live.folder / f"home-{name}" / "runs").iterdir()) for name in "ab"]
    assert all(driven), driven
