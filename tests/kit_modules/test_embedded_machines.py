"""The embedded engine on PostgreSQL: machines that share runs, one of which dies or is paused."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from cluster import Cluster
from live_engine import Live, wait_until
from scaffolded import TYPE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

#: Seconds of a lease in these tests: enough for a busy machine to renew in time.
LEASE = 30


@dataclass(slots=True)
class Machines:
    """Machines of their own folders that serve one database.

    Attributes:
        live: the engine of somebody who only looks on.
        servers: the process that serves, by the name of its machine.
    """

    live: Live
    servers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def serve(self, name: str) -> None:
        """Let a machine take runs."""
        environment = {
            **os.environ,
            "KIT_MACHINE": name,
            self.live.variable("HOME"): str(self.live.folder / f"home-{name}"),
        }
        flow = self.live.flow("solo")
        self.servers[name] = subprocess.Popen(
            [sys.executable, str(flow), TYPE, "serve"],
            env=environment,
            cwd=flow.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def processes(self, name: str, word: str = "") -> list[int]:
        """The processes of a machine, with a word in their command line."""
        here = self.live.bench.processes(f"KIT_MACHINE={name}")
        return [pid for pid, words in here if word in words and pid in dict(self.live.processes())]

    def executors(self, name: str) -> list[int]:
        """The processes of a machine that drive runs."""
        keepers = self.processes(name, "embedded_keeper")
        return [p for p in self.processes(name, "embedded_executor") if p not in keepers]

    def power_off(self, name: str) -> None:
        """End everything of a machine at once."""

        def ended() -> bool:
            found = self.processes(name)
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not found

        wait_until(ended, f"{name} is off")

    def close(self) -> None:
        """End every machine."""
        for name, server in self.servers.items():
            self.power_off(name)
            server.wait(60)


@pytest.fixture
def machines(live: Live, postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    shared = {live.variable("DATABASE"): postgres.url(), live.variable("LEASE"): str(LEASE)}
    live.bench = replace(live.bench, variables=shared)
    for name, value in shared.items():
        monkeypatch.setenv(name, value)
    machines = Machines(live)
    yield machines
    machines.close()


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
    name = live.deploy("solo")
    machines.serve("a")
    run_id = live.start(name, hold=True)
    live.has_begun(run_id)
    machines.serve("b")
    (paused,) = machines.executors("a")

    os.kill(machines.servers["a"].pid, signal.SIGKILL)  # So that it takes nothing back.
    os.kill(paused, signal.SIGSTOP)
    begun = live.notes(run_id) / "begun"
    wait_until(lambda: begun.read_text() == "0\n0\n", "the attempt is made again")
    assert machines.executors("b")
    assert [paused] == machines.executors("a")
    assert not [pid for pid in machines.processes("a", "step") if pid != paused]
    os.kill(paused, signal.SIGCONT)
    wait_until(lambda: paused not in machines.processes("a"), "the paused executor is dead")
    live.let_go(run_id)

    assert live.finished(run_id).status == "SUCCEEDED"
    assert begun.read_text() == "0\n0\n"
    wait_until(lambda: not machines.processes("a"), "nothing of the first machine is left")


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
    # Until then a machine of the test before may still be thought to serve.
    wait_until(lambda: "serve" in live.engine.run(run_id).reason, "the reason names `serve`")
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
