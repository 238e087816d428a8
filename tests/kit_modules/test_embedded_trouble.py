"""The embedded scheduler on a full disk, beside greedy programs, and with a clock that jumps."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib
import os
import resource
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from in_place import embedded_database, embedded_insist
from in_place.embedded_database import StoreDamaged, StoreError
from in_place.embedded_folder import RunFolder
from in_place.embedded_insist import attempt_with_room, insist
from in_place.embedded_lease import Tenure, claim
from in_place.embedded_store import Store
from in_place.plan import Identity, Plan, RunRequest, Step
from in_place.starts import Schedule
from in_place.walk import Finished, State
from live_engine import fill, load_engine
from scaffolded import make_bench

EVENT = Finished("t-start", 0, 0)

#: The claim to the run of a test.
HELD = Tenure("r-1", 1)


def plan(**fields: object) -> Plan:
    identity = Identity("Flow", "Flow", "ada", "token")
    return Plan(identity, "start", "start", {"start": Step("start", "end")}, **fields)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return with_a_run(tmp_path / "home")


def with_a_run(home: Path) -> Store:
    """A store with a run that is claimed."""
    store = Store(home)
    store.add_run("Flow", plan(), Path("/code"), RunRequest("r-1"))
    assert claim(store.database, "r-1", "here", 30.0, locked=True) == HELD
    return store


def event(number: int) -> Finished:
    """One event of many."""
    return Finished("t-start", number, 1)


@contextlib.contextmanager
def locked(store: Store) -> Iterator[None]:
    """Another program that has the file for itself."""
    other = sqlite3.connect(store.home / "scheduler.sqlite", isolation_level=None)
    with contextlib.closing(other):
        other.execute("BEGIN IMMEDIATE")
        yield


def test_a_file_that_is_locked_for_too_long_is_named_with_the_way_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_database, "_BUSY", 0.05)

    with locked(store), pytest.raises(StoreError, match="locked for 0 s; end that program"):
        store.append(HELD, EVENT)

    store.append(HELD, EVENT)
    assert store.events("r-1") == [EVENT]


def test_what_has_been_done_is_kept_until_it_can_be_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_database, "_BUSY", 0.05)
    monkeypatch.setattr(embedded_insist, "PAUSES", (0.01, 0.02))
    folder = RunFolder.of(store.home, "r-1")

    async def scenario() -> None:
        with locked(store):
            work = asyncio.create_task(insist(partial(store.append, HELD, EVENT), folder))
            while not folder.trouble:
                await asyncio.sleep(0.01)
        await asyncio.wait_for(work, 60)

    asyncio.run(asyncio.wait_for(scenario(), 120))

    assert store.events("r-1") == [EVENT]
    assert folder.trouble == ""


def test_an_attempt_for_which_there_is_no_room_is_made_again_under_its_number(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_insist, "PAUSES", (0.01, 0.02))
    folder = RunFolder.of(store.home, "r-1")
    asked: list[tuple[bool, str]] = []

    async def make(repeated: bool) -> Finished:
        asked.append((repeated, folder.trouble))
        if len(asked) < 3:
            raise OSError(errno.ENOSPC, "No space left on device", "log")
        return EVENT

    assert asyncio.run(attempt_with_room(make, folder, repeated=False)) == EVENT

    said = "[Errno 28] No space left on device: 'log'; make room on that disk, "
    said += "and the run goes on by itself"
    assert asked == [(False, ""), (True, said), (True, said)]
    assert folder.trouble == ""


def test_an_attempt_that_cannot_be_made_for_another_reason_is_not_tried_again(
    store: Store,
) -> None:
    async def make(repeated: bool) -> Finished:
        raise PermissionError(errno.EACCES, "Permission denied", "log")

    with pytest.raises(PermissionError):
        asyncio.run(attempt_with_room(make, RunFolder.of(store.home, "r-1"), repeated=False))


def in_a_child(work: Callable[[], None]) -> str:
    """What a piece of work raises in a process of its own; empty for nothing."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        said = b""
        try:
            work()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}".encode()
        finally:
            os.write(writing, said)
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        answer = file.read()
    os.waitpid(pid, 0)
    return answer


def test_a_file_that_may_not_grow_any_more_is_an_error_that_passes(store: Store) -> None:
    def work() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        for number in range(100):
            store.append(HELD, event(number))

    said = in_a_child(work)

    assert said.startswith("StoreError: ")
    assert "make room on its disk, and runs go on by themselves" in said
    written = store.events("r-1")
    store.append(HELD, event(5000))
    assert store.events("r-1") == [*written, event(5000)]


def test_a_full_disk_is_named_and_loses_nothing(small_disk: Path) -> None:
    store = with_a_run(small_disk / "home")
    folder = RunFolder.of(store.home, "r-1")
    folder.note("")
    store.append(HELD, EVENT)
    filler = fill(small_disk)

    written = [EVENT]
    with pytest.raises(StoreError, match="make room on its disk, and runs go on") as caught:
        while len(written) < 1000:
            number = len(written)
            store.append(HELD, event(number))
            written.append(event(number))
    folder.note(str(caught.value))

    assert folder.trouble == str(caught.value)
    filler.unlink()
    store.append(HELD, event(5000))
    assert store.events("r-1") == [*written, event(5000)]


def test_a_file_that_is_damaged_inside_is_named_with_the_way_out(store: Store) -> None:
    for attempt in range(3):
        store.append(HELD, Finished("t-start", attempt, 1, note="long" * 9000))
    file = store.home / "scheduler.sqlite"
    damaged = bytearray(file.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    file.write_bytes(damaged)

    with pytest.raises(StoreDamaged, match=r"scheduler\.sqlite is damaged .* move it away"):
        store.events("r-1")


def test_a_file_that_was_moved_away_under_a_run_is_not_waited_for(store: Store) -> None:
    for file in store.home.glob("scheduler.sqlite*"):
        file.unlink()

    folder = RunFolder.of(store.home, "r-1")
    with pytest.raises(StoreDamaged):
        asyncio.run(asyncio.wait_for(insist(partial(store.append, HELD, EVENT), folder), 60))

    assert Store(store.home).run("r-1") is None


def test_a_clock_that_was_set_back_neither_reorders_runs_nor_makes_times_negative(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = time.time() - 3600
    monkeypatch.setattr(time, "time", lambda: earlier)

    store.add_run("Flow", plan(), Path("/code"), RunRequest("r-2"))
    store.finish(HELD, State.SUCCEEDED, "")

    assert [run.request.run_id for run in store.runs()] == ["r-2", "r-1"]
    run = store.run("r-1")
    assert run is not None and run.finished is not None
    assert run.finished >= run.created > earlier


def test_a_schedule_goes_on_when_the_clock_is_set_back(tmp_path: Path) -> None:
    bench = make_bench(tmp_path / f"bench_{tmp_path.name}")
    engine = load_engine(bench)
    server = importlib.import_module(f"{engine.__package__}.embedded_server")
    store = Store(tmp_path / "home")
    store.save_deployment(plan(schedule=Schedule("0 0 1 1 *", "UTC")), Path("/code"))
    now = store.scheduled_until("Flow")
    assert now is not None

    assert server.tick(store, now - 3600, set()) == []

    assert store.scheduled_until("Flow") == now - 3600
    assert store.runs() == []
