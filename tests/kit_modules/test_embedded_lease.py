"""Who may write about a run of the embedded engine, on either database."""

from __future__ import annotations

from pathlib import Path

import pytest
from in_place import embedded_lease
from in_place.embedded_database import Database
from in_place.embedded_lease import LeaseLost, claim, held_by, renew, this_machine, unheld
from in_place.embedded_store import Store
from in_place.plan import Identity, Plan, RunRequest, Step
from in_place.walk import Finished, State

EVENT = Finished("t-start", 0, 0)
LONG, OVER = 600.0, -1.0


@pytest.fixture
def store(tmp_path: Path, database: Database | None) -> Store:
    """A store with one run."""
    store = Store(tmp_path / "home", database)
    identity = Identity("Flow", "Flow", "ada", "token")
    plan = Plan(identity, "start", "start", {"start": Step("start", "end")})
    store.add_run("Flow", plan, Path("/code"), RunRequest("r-1"))
    return store


def test_a_run_that_is_held_is_taken_by_nobody_else(store: Store) -> None:
    assert unheld(store.database) == ["r-1"]

    assert claim(store.database, "r-1", "a", LONG) is not None

    assert claim(store.database, "r-1", "b", LONG) is None
    assert claim(store.database, "r-1", "a", LONG) is None
    assert unheld(store.database) == []
    assert held_by(store.database, "a") == ["r-1"]


def test_a_run_whose_lease_is_over_moves_and_its_last_holder_can_write_nothing(
    store: Store,
) -> None:
    dead = claim(store.database, "r-1", "a", OVER)
    assert dead is not None and not dead.moved
    store.append(dead, EVENT)

    heir = claim(store.database, "r-1", "b", LONG)

    assert heir is not None and heir.moved and heir.fence > dead.fence
    for write in (
        lambda: store.append(dead, Finished("t-start", 1, 0)),
        lambda: store.finish(dead, State.FAILED, "late"),
        lambda: store.close(dead),
        lambda: renew(store.database, dead, LONG),
    ):
        with pytest.raises(LeaseLost, match="r-1 is driven by somebody else"):
            write()
    run = store.run("r-1")
    assert run is not None and (run.state, run.closed) == (State.RUNNING, False)
    assert store.events("r-1") == [EVENT]
    store.append(heir, Finished("t-start", 1, 0))


def test_whoever_has_the_lock_of_a_machine_goes_on_with_its_runs_at_once(store: Store) -> None:
    first = claim(store.database, "r-1", "a", LONG)

    second = claim(store.database, "r-1", "a", LONG, locked=True)

    assert first is not None and second is not None
    assert second.fence > first.fence and not second.moved


def test_a_renewed_lease_lasts(store: Store) -> None:
    tenure = claim(store.database, "r-1", "a", OVER)
    assert tenure is not None

    renew(store.database, tenure, LONG)

    assert claim(store.database, "r-1", "b", LONG) is None


def test_a_closed_run_is_held_by_nobody(store: Store) -> None:
    tenure = claim(store.database, "r-1", "a", OVER)
    assert tenure is not None

    store.close(tenure)

    assert claim(store.database, "r-1", "b", LONG, locked=True) is None
    assert unheld(store.database) == held_by(store.database, "a") == []


def test_the_same_event_again_after_a_lost_answer_is_one(store: Store) -> None:
    tenure = claim(store.database, "r-1", "a", LONG)
    assert tenure is not None

    store.append(tenure, EVENT)
    store.append(tenure, EVENT)

    assert store.events("r-1") == [EVENT]


def test_a_machine_that_serves_is_known_until_it_is_not_heard_of(store: Store) -> None:
    embedded_lease.serve(store.database, "a", OVER)
    assert not embedded_lease.is_served(store.database)

    embedded_lease.serve(store.database, "a", LONG)

    assert embedded_lease.is_served(store.database)


def test_folders_of_their_own_are_machines_of_their_own(tmp_path: Path) -> None:
    homes = [tmp_path / "a", tmp_path / "b"]
    for home in homes:
        home.mkdir()

    assert this_machine(homes[0]) == this_machine(homes[0]) != this_machine(homes[1])
