"""Cases on switches."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

SWITCHING = Scenario("switching", "switching", caps=(Cap.SWITCH,), timeout=180, expected=24)

TO_DEEP = ["start", "taken_b", "taken_deep"]


@case("switch-chosen-only", cap=Cap.SWITCH, clauses=("D3", "F13"), scenario=SWITCHING)
def chosen_only(seen: Observation, expect: Expect) -> None:
    """Only the step that a switch has chosen runs; the others have no task.

    Metaflow does not stop a scheduler from running both.
    """
    for step in ("never_a", "never_long", "never_p"):
        facts.absent(seen, expect, step, ["all successors of a switch are started"])
    facts.once(seen, expect, "start", "taken_b", "choosing", "taken_q")


@case("switch-inside-switch", cap=Cap.SWITCH, clauses=("D4", "F13"), scenario=SWITCHING)
def inside_switch(seen: Observation, expect: Expect) -> None:
    """The step that a switch has chosen may be a switch itself, with the same merge.

    Who looks for the end of a case in the step after it takes the inner choice for the merge.
    """
    facts.absent(seen, expect, "never_flat", ["all successors of the inner switch are started"])
    facts.once(seen, expect, "taken_deep")
    expect.equal(
        "the steps that led to 'taken_deep'",
        expected=TO_DEEP,
        observed=facts.own(facts.one(seen, expect, "taken_deep"), "trail"),
        likely=["the input of a case is not the switch that chose it"],
    )


@case("switch-merge", cap=Cap.SWITCH, clauses=("D4", "F14"), scenario=SWITCHING)
def merge(seen: Observation, expect: Expect) -> None:
    """The step where the cases meet gets the one task that led to it, also after a skip.

    It has several predecessors and is no join: given all of them, or waiting for the one that
    never runs, it fails or hangs.
    """
    for step, trail in {
        "merge": [*TO_DEEP, "merge"],
        "parting": [*TO_DEEP, "merge", "parting"],
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
    common = [*TO_DEEP, "merge", "parting"]
    joined = facts.own(facts.one(seen, expect, "join"), "joined")
    expect.equal(
        "the trails of the inputs of 'join', sorted",
        expected=[[*common, "choosing", "taken_q", "chosen"], [*common, "plain"]],
        observed=sorted(joined) if isinstance(joined, list) else joined,
    )
    facts.ended_well(seen, expect)


@case(
    "switch-inside-foreach",
    cap=Cap.SWITCH,
    clauses=("F9", "F13", "F14", "F16"),
    scenario=SWITCHING,
)
def inside_foreach(seen: Observation, expect: Expect) -> None:
    """In a foreach every item takes the way that it chose itself, and the join gets all of them.

    A choice that is kept by step, not by task, sends all items the way of the last one.
    """
    likely = ["the chosen step is kept by the switch's name, without the index of the item"]
    for step, number in {"sort_it": 3, "odd_one": 2, "even_one": 1, "sorted_it": 3}.items():
        facts.tasks(seen, expect, step, number, likely)
    expect.equal(
        "index and way of each input of 'gather', in order",
        expected=[[0, "odd_one", 0], [1, "even_one", 1], [2, "odd_one", 2]],
        observed=facts.own(facts.one(seen, expect, "gather"), "ways"),
        likely=[*likely, "the steps after a switch have lost their --split-index"],
    )
