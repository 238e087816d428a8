"""Cases on a step that asks for resources."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Blocked, Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

RESOURCED = Scenario(
    "resourced",
    "resourced",
    caps=(Cap.RESOURCES,),
    script="compile_and_run",
    timeout=120,
    expected=7,
)

WANTED = {"cpu": "3", "memory": "2347", "disk": "5431"}


@case("resources-run", cap=Cap.RESOURCES, clauses=("M1",), scenario=RESOURCED)
def run(seen: Observation, expect: Expect) -> None:
    """A flow with @resources deploys and runs."""
    facts.once(seen, expect, "start", "end")
    facts.ended_well(seen, expect)


@case("resources-compiled", cap=Cap.RESOURCES, clauses=("C8", "M1"), scenario=RESOURCED)
def compiled(seen: Observation, expect: Expect) -> None:
    """What a step asks for with @resources is in the scheduler's own description of the step.

    In a task the decorator does nothing: forwarded as --with it is lost, and the step runs out
    of memory. Seen in the output of ``create --only-json``, the only place that every scheduler
    can show without a cluster.
    """
    outcome = seen.extra.get("compiled", {})
    if outcome.get("code") != 0:
        raise Blocked(f"create --only-json does not answer, so nothing can be seen: {outcome}")
    text = str(outcome.get("stdout", ""))
    observed = {name: _requests(text, name, value) for name, value in WANTED.items()}
    expect.equal(
        "requests for cpu=3, memory=2347, disk=5431 in the output of create --only-json",
        expected=dict.fromkeys(WANTED, True),
        observed=observed,
        likely=["@resources is forwarded with --with, or not looked at, when compiling"],
    )


@case("card-stored", cap=Cap.LINEAR_DAG, clauses=("G7",), scenario=RESOURCED)
def card_stored(seen: Observation, expect: Expect) -> None:
    """The card of a task is stored where the client finds it.

    It is made in the task, by a process of its own, with the settings that the task was given.
    With a local datastore it may also be where Metaflow itself puts it: above the task's directory.
    """
    facts.one(seen, expect, "end")
    expect.equal(
        "number of cards of 'end', by metaflow.cards.get_cards()",
        expected={"result": 1},
        observed=seen.extra.get("cards"),
        likely=[
            "METAFLOW_CARD_* or METAFLOW_DATASTORE_SYSROOT_* is not set in tasks",
            "the task is not registered while it runs: its id is an integer",
        ],
    )


def _requests(text: str, name: str, value: str) -> bool:
    """Whether a description asks for that much, as a number or with a unit (``2347M``)."""
    exact = re.compile(rf"{value}(\.0+)?\s*([kmg]i?b?)?", re.IGNORECASE)
    try:
        pairs = list(_scalars(json.loads(text), ""))
    except ValueError:  # not JSON: a program, or YAML
        pairs = re.findall(r"[\"']?([\w.-]+)[\"']?\s*[:=]\s*[\"']?([\w.]+)", text)
    return any(name in key.lower() and exact.fullmatch(str(found)) for key, found in pairs) or (
        name != "cpu" and any(exact.fullmatch(str(found)) for _, found in pairs)
    )


def _scalars(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _scalars(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item, path)
    else:
        yield path, value
