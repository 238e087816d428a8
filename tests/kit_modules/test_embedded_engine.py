"""The embedded engine with real processes, which die at the worst moments."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from engine_contract import EngineContract
from live_engine import Live, wait_until
from scaffolded import TYPE, Bench

pytestmark = pytest.mark.slow


class TestEmbedded(EngineContract):
    engine = "embedded"


def kill_executor(live: Live) -> None:
    """Kill the process that drives the run of a test; nobody can catch it."""
    os.kill(executor_of(live), signal.SIGKILL)


def executor_of(live: Live) -> int:
    """The process that drives the run of a test."""
    ((executor, _),) = set(live.processes("-m metaflow_extensions")) - set(keepers_of(live))
    return executor


def keepers_of(live: Live) -> list[tuple[int, str]]:
    """The processes that keep the runs of a test driven."""
    return live.processes("embedded_keeper")


@pytest.mark.parametrize("warm", ["1", "0"])
def test_a_killed_executor_leaves_no_task_and_its_run_goes_on_where_it_was(
    live: Live, monkeypatch: pytest.MonkeyPatch, warm: str
) -> None:
    monkeypatch.setenv(live.variable("WARM"), warm)
    run_id = live.half_done(live.deploy("work"))

    kill_executor(live)

    live.goes_on_where_it_was(run_id)
    live.no_process_is_left()


def kill_everything(live: Live) -> list[tuple[int, str]]:
    """Kill all processes of a test at one moment, or nearly; those that there were."""
    found = sorted(live.processes(), key=lambda one: "embedded_keeper" not in one[1])
    for pid, _ in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found


def test_a_killed_keeper_is_replaced(live: Live) -> None:
    run_id = live.start(live.deploy("solo"), hold=True)
    live.has_begun(run_id)
    ((first, _),) = keepers_of(live)

    os.kill(first, signal.SIGKILL)
    wait_until(lambda: {pid for pid, _ in keepers_of(live)} - {first}, "another keeper")
    kill_executor(live)
    begun = live.notes(run_id) / "begun"
    wait_until(lambda: begun.read_text() == "0\n0\n", "the attempt is repeated")

    live.let_go(run_id)
    assert live.finished(run_id).status == "SUCCEEDED"
    live.no_process_is_left()


def test_after_the_machine_went_down_a_run_goes_on_when_somebody_looks(live: Live) -> None:
    run_id = live.start(live.deploy("solo"), hold=True)
    live.has_begun(run_id)
    wait_until(lambda: not kill_everything(live), "nothing is left to be killed")

    assert run_id in [run.run_id for run in live.engine.runs("Solo")]

    begun = live.notes(run_id) / "begun"
    wait_until(lambda: begun.read_text() == "0\n0\n", "the attempt is repeated")
    live.let_go(run_id)
    assert live.finished(run_id).status == "SUCCEEDED"
    live.no_process_is_left()


def test_without_its_warm_process_a_run_goes_on_with_fresh_ones(live: Live) -> None:
    retrying = ("--with", "retry:times=1,minutes_between_retries=0")
    live.command("solo", "create", name="retrying", top=retrying)
    run_id = live.start("retrying", hold=True)
    live.has_begun(run_id)
    warm = live.processes("warm import main")
    assert warm
    for pid, _ in warm:
        os.kill(pid, signal.SIGKILL)

    begun = live.notes(run_id) / "begun"
    wait_until(lambda: begun.read_text() == "0\n1\n", "the second attempt begins")
    live.let_go(run_id)

    assert live.finished(run_id).status == "SUCCEEDED"
    live.no_process_is_left()


def test_what_a_task_had_started_does_not_live_on_beside_its_repetition(live: Live) -> None:
    run_id = live.start(live.deploy("parent"), hold=True)
    live.has_begun(run_id)
    children = live.notes(run_id) / "children"
    wait_until(lambda: children.read_text().count("\n") == 1, "the first child")
    first = int(children.read_text())

    kill_executor(live)
    wait_until(
        lambda: children.read_text().count("\n") == 2,
        "the child of the repetition",
    )

    assert first not in dict(live.processes())
    live.let_go(run_id)
    assert live.finished(run_id).status == "SUCCEEDED"
    live.no_process_is_left()


def test_a_run_whose_executor_was_killed_can_be_terminated(live: Live) -> None:
    run_id = live.start(live.deploy("solo"), hold=True)
    live.has_begun(run_id)
    kill_executor(live)

    assert live.engine.terminate(run_id) is True
    assert live.engine.run(run_id).status == "ABORTED"
    assert live.processes() == []


def test_a_run_can_be_terminated_at_any_moment(live: Live) -> None:
    name = live.deploy("solo")
    for delay in (0.0, 0.1, 0.3, 0.6, 1.0, 1.5):
        run_id = live.start(name, hold=True)
        time.sleep(delay)  # The moment is the point: before init, in the middle of a start.

        assert live.engine.terminate(run_id) is True
        assert live.engine.run(run_id).status == "ABORTED"
        assert live.processes() == []
        log = live.bench.home / f"runs/{run_id}/executor.log"
        assert "Traceback" not in log.read_text()


def test_trigger_returns_while_the_run_goes_on_from_anywhere_without_a_home(live: Live) -> None:
    flow = live.flow("solo")
    notes = live.folder / "notes"
    notes.mkdir()
    homeless = replace(live.bench, variables={"HOME": "/dev/null/home", "USER": ""})
    before = set(Path("/").iterdir())
    live.deploy("solo")

    done = homeless.run(
        flow,
        *(TYPE, "trigger", "--folder", str(notes), "--hold", "true"),
        *("--run-id-file", str(live.folder / "run-id")),
        cwd=Path("/"),
    )

    assert done.returncode == 0, done.stdout + done.stderr
    run_id = (live.folder / "run-id").read_text()
    live.runs.append(run_id)
    assert live.engine.run(run_id).status == "RUNNING"
    (notes / "go").touch()
    assert live.finished(run_id).status == "SUCCEEDED"
    said = homeless.run(flow, "logs", f"{run_id}/only", cwd=Path("/"))
    assert "said by only" in said.stdout
    assert {path.name for path in flow.parent.iterdir()} <= {"solo.py", "__pycache__"}
    assert set(Path("/").iterdir()) == before


def refused(bench: Bench, flow: Path, *words: str) -> str:
    done = bench.run(flow, TYPE, *words)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    return done.stderr


def test_a_home_that_cannot_be_written_is_one_clear_error(live: Live) -> None:
    (live.folder / "file").touch()
    home = live.folder / "file" / "home"
    bench = replace(live.bench, variables={"METAFLOW_MY_SCHEDULER_HOME": str(home)})

    for words in (("create",), ("status", f"{TYPE}-0")):
        said = refused(bench, live.flow("solo"), *words)
        assert f"cannot keep its state in {home}" in said
        assert "Set METAFLOW_MY_SCHEDULER_HOME to a folder that can be written" in said


def test_a_damaged_store_is_one_clear_error(live: Live) -> None:
    home = live.folder / "home"
    shutil.copytree(live.bench.home, home, ignore=shutil.ignore_patterns("runs", "code"))
    (home / "scheduler.sqlite").write_bytes(b"not a database " * 500)
    bench = replace(live.bench, variables={"METAFLOW_MY_SCHEDULER_HOME": str(home)})

    said = refused(bench, live.flow("solo"), "list-runs")

    assert "scheduler.sqlite is damaged or outdated, move it away" in said
