"""What starts a run by itself: schedules, events, other flows."""

from __future__ import annotations

from pathlib import Path

import pytest
from in_place.embedded_store import Store
from in_place.plan import Identity, Plan, RunRequest, Step
from in_place.starts import (
    Event,
    Schedule,
    Trigger,
    complete,
    finish_event_name,
    parameters_of,
    run_id_for,
    standard_cron,
)


@pytest.mark.parametrize(
    ("given", "usual"),
    [
        ("0 0 * * ? *", "0 0 * * *"),
        ("0 0 ? * SUN *", "0 0 * * SUN"),
        ("0 * * * ? *", "0 * * * *"),
        ("30 6 ? * 2-6 *", "30 6 * * 1-5"),
        ("30 6 ? * 1,7 *", "30 6 * * 0,6"),
        ("30 6 ? * 2#1 *", "30 6 * * 1#1"),
        ("*/5 9-17 * * 1-5", "*/5 9-17 * * 1-5"),
        ("0 12 ? * MON-FRI *", "0 12 * * MON-FRI"),
    ],
)
def test_schedules_of_both_syntaxes_become_five_usual_fields(given: str, usual: str) -> None:
    assert standard_cron(given) == usual


@pytest.mark.parametrize("given", ["* * * *", "0 0 1 1 ? 2027", "", "0 0 * * * * *"])
def test_a_schedule_that_means_nothing_here_is_refused_by_name(given: str) -> None:
    with pytest.raises(ValueError, match="Schedule"):
        standard_cron(given)


def test_several_events_start_a_run_only_together_and_in_the_order_of_the_triggers() -> None:
    triggers = (Trigger("a", parameters={"alpha": "x"}), Trigger("b"))
    a, b = Event("1", "a", payload={"x": 7, "y": 8}), Event("2", "b")

    assert complete(triggers, {"b": b}) is None
    assert complete(triggers, {"b": b, "a": a}) == [a, b]
    assert complete((), {"a": a}) is None
    assert parameters_of(triggers, [a, b]) == {"alpha": 7}


def test_the_event_of_a_finished_flow_names_its_branch() -> None:
    assert finish_event_name("Flow") == "metaflow.Flow.end"
    assert finish_event_name("Flow", "shop", "test.x") == "metaflow.shop.test.x.Flow.end"


def test_the_same_occasion_starts_the_same_run() -> None:
    assert run_id_for("s", "Flow", "e1", "e2") == run_id_for("s", "Flow", "e1", "e2")
    assert run_id_for("s", "Flow", "e1") != run_id_for("s", "Other", "e1")


def waiting(name: str, *triggers: Trigger, schedule: Schedule | None = None) -> Plan:
    steps = {"start": Step("start", "end")}
    identity = Identity(name, "Flow", "ada", "token")
    return Plan(identity, "start", "start", steps, triggers=triggers, schedule=schedule)


def request(plan: Plan, events: list[Event]) -> RunRequest:
    return RunRequest(run_id_for("s", plan.identity.name, *(event.id for event in events)))


def test_an_event_published_twice_starts_one_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_deployment(waiting("one", Trigger("a")), Path("/code"))
    store.save_deployment(waiting("two", Trigger("a"), Trigger("b")), Path("/code"))

    first = store.publish(Event("1", "a"), request)

    assert first == [run_id_for("s", "one", "1")]
    assert store.publish(Event("1", "a"), request) == []
    assert store.publish(Event("2", "b"), request) == [run_id_for("s", "two", "1", "2")]
    assert sorted(store.open_runs()) == sorted(run.request.run_id for run in store.runs())
    assert len(store.runs()) == 2


def test_events_are_used_up_by_the_run_that_they_start(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_deployment(waiting("two", Trigger("a"), Trigger("b")), Path("/code"))
    store.publish(Event("1", "a"), request)
    store.publish(Event("2", "b"), request)

    assert store.publish(Event("3", "b"), request) == []
    assert store.publish(Event("4", "a"), request) == [run_id_for("s", "two", "4", "3")]


def test_a_redeployed_or_deleted_flow_no_longer_waits_as_it_did(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_deployment(waiting("two", Trigger("a"), Trigger("b")), Path("/code"))
    store.publish(Event("1", "a"), request)
    store.save_deployment(waiting("two", Trigger("b")), Path("/code"))

    assert store.publish(Event("2", "a"), request) == []
    assert store.publish(Event("3", "b"), request) == [run_id_for("s", "two", "3")]

    store.delete_deployment("two")
    assert store.publish(Event("4", "b"), request) == []


def test_a_schedule_goes_with_the_deployment_that_had_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_deployment(waiting("one", schedule=Schedule("0 0 * * *")), Path("/code"))
    assert store.scheduled_until("one") is not None

    store.schedule_until("one", 7.0)
    assert store.scheduled_until("one") == 7.0

    store.save_deployment(waiting("one"), Path("/code"))
    assert store.scheduled_until("one") is None
