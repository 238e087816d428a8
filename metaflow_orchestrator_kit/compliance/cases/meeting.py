"""Cases on branches that work at one time."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

MEETING = Scenario("meeting", "meeting", caps=(Cap.BRANCHING,), timeout=150, expected=9)


@case("branches-overlap", cap=Cap.BRANCHING, clauses=("F6", "L7"), scenario=MEETING)
def overlap(seen: Observation, expect: Expect) -> None:
    """The branches of a split work at one time, where nobody has set a limit.

    People split a flow to save time: one after the other, a night's work ends in the afternoon.
    """
    facts.once(seen, expect, "one", "other", "join")
    branches = [facts.one(seen, expect, step) for step in ("one", "other")]
    began = [facts.own(task, "began") for task in branches]
    ended = [facts.own(task, "ended") for task in branches]
    noted = sum(isinstance(moment, float) for moment in [*began, *ended])
    expect.equal("beginnings and ends that the branches have noted", expected=4, observed=noted)
    expect.true(
        "seconds for which both branches worked",
        min(ended) > max(began),
        expected="more than 0",
        observed=round(min(ended) - max(began), 1),
        likely=[
            "the scheduler runs one task of a run at a time",
            "the scheduler has one worker: give it two, and select this case again",
        ],
    )
    facts.ended_well(seen, expect)
