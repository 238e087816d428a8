"""Cases on a run that an event starts."""

from __future__ import annotations

import json
from typing import Any

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Blocked, Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

EVENTED = Scenario(
    "evented",
    "evented",
    caps=(Cap.EVENT_TRIGGER,),
    script="publish_event",
    timeout=240,
    expected=25,
)


def _published(seen: Observation) -> None:
    """Say so when the kit cannot publish an event to this scheduler."""
    emit = seen.extra.get("emit", {})
    if "missing" in emit or not emit:
        raise Blocked(f"The kit cannot publish an event: {emit.get('missing', 'never tried')}")


@case("event-starts-run", cap=Cap.EVENT_TRIGGER, clauses=("K3",), scenario=EVENTED)
def starts_run(seen: Observation, expect: Expect) -> None:
    """An event starts one run, and its payload arrives in the parameters mapped to it."""
    _published(seen)
    expect.equal(
        f"number of runs after one event ({seen.extra['emit']})",
        expected=1,
        observed=len(seen.extra.get("runs", [])),
        likely=["the trigger is not registered at create", "the event's name is changed"],
    )
    expect.equal(
        "parameter 'word' in 'start', from the key 'said' of the payload",
        expected="it's $HOME",
        observed=facts.own(facts.one(seen, expect, "start"), "got"),
        likely=["the mapping is read the wrong way round: it is parameter -> key of the payload"],
    )
    facts.once(seen, expect, "start", "middle", "end")
    facts.ended_well(seen, expect)


@case("event-waits-for-all", cap=Cap.EVENT_TRIGGER, clauses=("J9", "K3"), scenario=EVENTED)
def waits_for_all(seen: Observation, expect: Expect) -> None:
    """A flow with @trigger(events=[...]) starts when all of them have come, and not before.

    The one is the data, the other the permission to use it: either alone must start nothing.
    """
    _published(seen)
    if "result" not in seen.extra.get("two", {}):
        raise Blocked(f"create() with two events: {seen.extra.get('two', 'never tried')}")
    expect.equal(
        "runs after the first of two events, and after both",
        expected=[0, 1],
        observed=[seen.extra.get("after_one"), seen.extra.get("after_both")],
        likely=["each event starts a run by itself", "a redeploy keeps the old trigger"],
    )


@case("event-in-current", cap=Cap.EVENT_TRIGGER, clauses=("K5",), scenario=EVENTED)
def in_current(seen: Observation, expect: Expect) -> None:
    """`current.trigger` tells every step which event started the run, and so does the first task.

    Run.trigger of the client reads what the first task has stored.
    """
    _published(seen)
    expect.equal(
        "current.trigger in 'middle': name and type of its events",
        expected=[[seen.extra.get("event"), "event"]],
        observed=facts.own(facts.one(seen, expect, "middle"), "started"),
        likely=["the steps' decorator does not call current._update_env({'trigger': ...})"],
    )
    stored = triggers_of_first_task(seen, expect)
    expect.equal(
        "names in the metadata 'execution-triggers' of 'start'",
        expected=[seen.extra.get("event")],
        observed=[one.get("name") for one in stored],
        likely=["the first task does not register the metadata execution-triggers"],
    )


def triggers_of_first_task(seen: Observation, expect: Expect) -> list[dict[str, Any]]:
    """What the first task has stored about what started its run; empty where it is nothing."""
    text = facts.one(seen, expect, "start").metadata.get("execution-triggers", "[]")
    try:
        value = json.loads(text)
    except ValueError:
        return []
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
