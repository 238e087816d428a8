"""A case on a foreach of a thousand items."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import Need, case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

WIDE = Scenario("wide", "wide", caps=(Cap.FOREACH,), timeout=3600, expected=400)

WIDTH = 1000


@case(
    "foreach-of-a-thousand",
    cap=Cap.FOREACH,
    clauses=("F5", "F9", "L7"),
    scenario=WIDE,
    need=Need.LARGE,
)
def of_a_thousand(seen: Observation, expect: Expect) -> None:
    """A foreach of a thousand items runs all of them, and its join gets all of them in order.

    Schedulers have limits of their own on the length of a command, the size of a message and the
    number of children; reached in silence, they cost items.
    """
    found = facts.tasks(
        seen, expect, "body", WIDTH, ["the scheduler, or the extension, has a limit on the width"]
    )
    expect.equal(
        "items of the tasks of 'body', sorted",
        expected=list(range(WIDTH)),
        observed=sorted(task.artifacts.get("got", -1) for task in found),
    )
    expect.equal(
        "items as 'join' got them",
        expected=list(range(WIDTH)),
        observed=facts.own(facts.one(seen, expect, "join"), "joined"),
        likely=["the list of inputs is too long for a command line: use --input-paths-filename"],
    )
    facts.ended_well(seen, expect)
