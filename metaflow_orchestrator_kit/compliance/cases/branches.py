"""Cases on static splits and joins."""

from __future__ import annotations

from typing import Any

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

BRANCHES = Scenario("branches", "branches", caps=(Cap.BRANCHING,), timeout=120, expected=15)

RAYS = tuple(f"ray_{letter}" for letter in "abcdef")
WIDE = ("wide", "upper", "upper_more", "lower", "inner_join")
STEPS = ("start", "short", *RAYS, "meet", *WIDE, "join", "end")


@case("branches-run-once", cap=Cap.BRANCHING, clauses=("D3", "F6"), scenario=BRANCHES)
def run_once(seen: Observation, expect: Expect) -> None:
    """Every step of every branch runs once, also when the first step is the split."""
    facts.once(seen, expect, *STEPS)
    facts.ended_well(seen, expect)


@case("branches-join-inputs", cap=Cap.BRANCHING, clauses=("D4", "F4", "F7"), scenario=BRANCHES)
def join_inputs(seen: Observation, expect: Expect) -> None:
    """A join gets one input per branch of its own split: the last step of each.

    An extension that joins at the next join it meets gives the inner one the wrong inputs.
    """
    for join, branches in {
        "inner_join": [["start", "wide", "lower"], ["start", "wide", "upper", "upper_more"]],
        "join": [["start", "short", "meet"], ["start", "wide", "inner_join"]],
    }.items():
        expect.equal(
            f"the trails of the inputs of '{join}', sorted",
            expected=branches,
            observed=_sorted(facts.own(facts.one(seen, expect, join), "joined")),
            likely=["the inputs are not the last tasks of the branches of the join's own split"],
        )


@case("branches-join-of-six", cap=Cap.BRANCHING, clauses=("F4", "F7"), scenario=BRANCHES)
def join_of_six(seen: Observation, expect: Expect) -> None:
    """A join of six branches gets all six inputs, once each.

    Above four, Metaflow loads the inputs together: a path with an attempt number, or one that is
    given twice, which it accepts of a smaller join, makes it miss some.
    """
    expect.equal(
        "the steps that the inputs of 'meet' come from, sorted",
        expected=list(RAYS),
        observed=_sorted(facts.own(facts.one(seen, expect, "meet"), "met")),
        likely=["--input-paths has fewer paths than the split has branches, or one of them twice"],
    )


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value
