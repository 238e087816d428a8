"""What the embedded engine remembers, through any number of processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from in_place.embedded_database import Database, StoreDamaged
from in_place.embedded_lease import Tenure, claim
from in_place.embedded_store import Store
from in_place.plan import (
    VERSION,
    Identity,
    Parameter,
    Plan,
    PlanDamaged,
    PlanTooNew,
    PlanUnreadable,
    RunRequest,
    Step,
)
from in_place.starts import Event as Occurrence
from in_place.starts import Trigger
from in_place.walk import Event, Finished, Handout, Lost, Origin, State, Stopped

EVENTS: list[Event] = [
    Finished("t-start", 0, 1, note="out of luck"),
    Lost("t-start", 1),
    Finished("t-start", 1, 0, Handout(3, "case", ("a", "b"))),
    Stopped("by request"),
]


def plan(name: str = "Flow", **fields: Any) -> Plan:
    identity = Identity(name, "Flow", "ada", "token")
    steps = {"start": Step("start", "end")}
    return Plan(identity, "start", "start", steps, **fields)


@pytest.fixture
def store(tmp_path: Path, database: Database | None) -> Store:
    return Store(tmp_path / "home", database)


def test_a_deployment_reads_back_as_it_was_and_replaces_an_earlier_one(store: Store) -> None:
    first = plan(tags=("é",), parameters=(Parameter("p", "p", default="'\n\""),))
    store.save_deployment(plan(max_workers=7), Path("/old"))
    store.save_deployment(first, Path("/code"))

    assert store.deployment("Flow") == (first, Path("/code"))
    assert store.deployments() == [first]
    assert store.deployment("other") is None


#: What is stored as a plan and cannot be read, and the error that says so.
UNREADABLE = {'{"version": 1': PlanDamaged, f'{{"version": {VERSION + 1}}}': PlanTooNew}


@pytest.mark.parametrize(("stored", "error"), UNREADABLE.items())
def test_a_plan_that_cannot_be_read_is_named(
    store: Store, stored: str, error: type[ValueError]
) -> None:
    store.save_deployment(plan(), Path("/code"))
    add(store, "r-1")
    with store.database.transaction() as transaction:
        for table in ("deployment", "run"):
            transaction.execute(f"UPDATE {table} SET plan = ?", (stored,))

    with pytest.raises(error, match="Deployment 'Flow': This"):
        store.deployment("Flow")
    run = store.run("r-1")
    assert run is not None
    with pytest.raises(error, match="Run 'r-1': This"):
        run.plan  # noqa: B018


@pytest.mark.parametrize("stored", UNREADABLE)
def test_a_plan_that_cannot_be_read_takes_no_other_one_with_it(store: Store, stored: str) -> None:
    trigger = Trigger("news")
    for name in ("A", "B"):
        store.save_deployment(plan(name, triggers=(trigger,)), Path("/code"))
    add(store, "r-1")
    add(store, "r-2")
    with store.database.transaction() as transaction:
        transaction.execute("UPDATE deployment SET plan = ? WHERE name = 'A'", (stored,))
        transaction.execute("UPDATE run SET plan = ? WHERE run_id = 'r-2'", (stored,))

    damaged, whole = store.deployments()
    assert isinstance(damaged, PlanUnreadable) and str(damaged).startswith("Deployment 'A': This")
    assert whole == plan("B", triggers=(trigger,))
    assert [isinstance(run.found, PlanUnreadable) for run in store.runs()] == [True, False]
    news = Occurrence("1", "news", "event", 0, {})
    assert store.publish(news, lambda plan, _: RunRequest(f"r-{plan.identity.name}")) == ["r-B"]


def add(store: Store, run_id: str, **request: Any) -> RunRequest:
    wanted = RunRequest(run_id, **request)
    store.add_run("Flow", plan(), Path("/code"), wanted)
    return wanted


def held(store: Store, run_id: str) -> Tenure:
    """A claim to a run."""
    tenure = claim(store.database, run_id, "here", 30.0, locked=True)
    assert tenure is not None
    return tenure


def test_a_run_is_kept_as_it_was_asked_for_first(store: Store) -> None:
    request = RunRequest(
        "r-1", {"p": "é\n"}, origin_run_id="r-0", rerun="start", triggers=({"name": "e"},)
    )

    store.add_run("Flow", plan(max_workers=1), Path("/code"), request)
    store.add_run("Flow", plan(max_workers=2), Path("/newer"), RunRequest("r-1"))

    run = store.run("r-1")
    assert run is not None
    assert (run.request, run.plan.max_workers, run.code) == (request, 1, Path("/code"))
    assert (run.state, run.finished, run.stop_reason) == (State.RUNNING, None, None)
    assert (run.suspended, run.closed) == (False, False)
    assert store.run("r-2") is None


def test_deleting_a_deployment_keeps_its_runs(store: Store) -> None:
    store.save_deployment(plan(), Path("/code"))
    add(store, "r-1")
    add(store, "r-2")

    assert store.delete_deployment("Flow") is True
    assert store.delete_deployment("Flow") is False
    assert [run.request.run_id for run in store.runs("Flow")] == ["r-2", "r-1"]
    assert store.runs("other") == []


def test_a_run_can_be_suspended_and_closed(store: Store) -> None:
    add(store, "r-1")

    store.suspend("r-1", True)
    store.close(held(store, "r-1"))
    run = store.run("r-1")
    assert run is not None
    assert (run.suspended, run.closed) == (True, True)
    store.suspend("r-1", False)
    run = store.run("r-1")
    assert run is not None
    assert not run.suspended


def test_the_origin_of_a_run_is_what_succeeded_in_it_with_what_it_had_decided(
    store: Store,
) -> None:
    add(store, "r-1")
    first = held(store, "r-1")
    store.append(first, Finished("t-each", 0, 1))
    store.append(first, Finished("t-each", 1, 0, Handout(width=2)))
    store.append(first, Finished("t-body-0", 0, 1))
    add(store, "r-2", origin_run_id="r-1")
    second = held(store, "r-2")
    store.append(second, Finished("t-each", 0, 0))  # cloned
    store.append(second, Finished("t-body-0", 0, 0))

    assert store.origin("r-1") == {"t-each": Origin("t-each", Handout(width=2))}
    assert store.origin("r-2") == {
        "t-each": Origin("t-each", Handout(width=2)),
        "t-body-0": Origin("t-body-0"),
    }
    assert store.origin("r-9") == {}


def test_events_read_back_in_their_order(store: Store) -> None:
    add(store, "r-1")
    add(store, "r-2")
    first = held(store, "r-1")
    for event in EVENTS:
        store.append(first, event)
    store.append(held(store, "r-2"), EVENTS[0])

    assert store.events("r-1") == EVENTS
    assert store.events("r-3") == []


def test_the_first_verdict_stands_and_a_finished_run_cannot_be_stopped(store: Store) -> None:
    add(store, "r-1")
    tenure = held(store, "r-1")

    store.finish(tenure, State.SUCCEEDED, "")
    store.finish(tenure, State.FAILED, "late")
    store.ask_to_stop("r-1", "late")

    run = store.run("r-1")
    assert run is not None
    assert (run.state, run.reason, run.stop_reason) == (State.SUCCEEDED, "", None)
    assert run.finished is not None and run.finished >= run.created


def _open_and_save(home: Path, number: int, barrier: threading.Barrier) -> None:
    barrier.wait(60)
    Store(home).save_deployment(plan(f"flow{number}"), Path("/code"))


def test_many_processes_may_be_the_first_one(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(8)
    processes = [
        context.Process(target=_open_and_save, args=(tmp_path / "home", number, barrier))
        for number in range(8)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0] * 8
    assert len(Store(tmp_path / "home").deployments()) == 8


def test_a_store_whose_making_was_interrupted_is_made_whole(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "scheduler.sqlite").close()
    (tmp_path / "scheduler.sqlite").touch()

    assert Store(tmp_path).deployments() == []


def test_a_damaged_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "scheduler.sqlite").write_bytes(b"no database at all" * 100)

    with pytest.raises(
        StoreDamaged, match=r"/scheduler\.sqlite: .* is damaged or outdated, move it away"
    ):
        Store(tmp_path)


def test_tables_of_another_version_are_not_read(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "scheduler.sqlite")) as database:
        database.execute("PRAGMA user_version = 99")

    with pytest.raises(OSError, match="its tables have version 99"):
        Store(tmp_path)


def test_a_folder_that_cannot_be_made_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(NotADirectoryError):
        Store(tmp_path / "file" / "home")
