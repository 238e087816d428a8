"""Cases on switches."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

SWITCHING = Scenario("switching", "switching", caps=(Cap.SWITCH,), timeout=150, expected=16)


@case("switch-chosen-only", cap=Cap.SWITCH, clauses=("D3", "F13"), scenario=SWITCHING)
def chosen_only(seen: Observation, expect: Expect) -> None:
    """Only the step that a switch has chosen runs; the others have no task.

    Metaflow does not stop a scheduler from running both.
    """
    for step in ("never_a", "never_long", "never_p"):
        facts.absent(seen, expect, step, ["all successors of a switch are started"])
    facts.once(seen, expect, "start", "taken_b", "choosing", "taken_q")


@case("switch-merge", cap=Cap.SWITCH, clauses=("D4", "F14"), scenario=SWITCHING)
def merge(seen: Observation, expect: Expect) -> None:
    """The step where the cases meet gets the one task that led to it, also after a skip.

    It has several predecessors and is no join: given all of them, or waiting for the one that
    never runs, it fails or hangs.
    """
    for step, trail in {
        "merge": ["start", "taken_b", "merge"],
        "parting": ["start", "taken_b", "merge", "parting"],
    }.items():
        expect.equal(
            f"the steps that led to '{step}'",
            expected=trail,
            observed=facts.own(facts.one(seen, expect, step), "trail"),
            likely=["a step with several predecessors is taken for a join"],
        )


@case("switch-inside-branch", cap=Cap.SWITCH, clauses=("D4", "F7"), scenario=SWITCHING)
def inside_branch(seen: Observation, expect: Expect) -> None:
    """A join after a branch with a switch gets one input per branch, not per step before it."""
    common = ["start", "taken_b", "merge", "parting"]
    joined = facts.own(facts.one(seen, expect, "join"), "joined")
    expect.equal(
        "the trails of the inputs of 'join', sorted",
        expected=[[*common, "choosing", "taken_q", "chosen"], [*common, "plain"]],
        observed=sorted(joined) if isinstance(joined, list) else joined,
    )
    facts.ended_well(seen, expect)
