"""Cases on switches that fail before they choose, and on cases that fan out."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

WINDING = Scenario(
    "winding",
    "winding",
    caps=(Cap.SWITCH, Cap.RETRY, Cap.FOREACH, Cap.BRANCHING),
    timeout=150,
    expected=16,
)


@case("switch-after-retry", cap=Cap.SWITCH, clauses=("F13", "I1"), scenario=WINDING)
def after_retry(seen: Observation, expect: Expect) -> None:
    """A switch that fails once before it chooses is followed by what it chose in the end.

    Read from attempt 0, the choice is missing: the run stops there, or takes any case.
    """
    likely = ["the chosen step is read from attempt 0"]
    facts.attempts(seen, expect, facts.one(seen, expect, "start"), [0, 1])
    facts.one(seen, expect, "many", likely)
    facts.absent(seen, expect, "never_none", likely)


@case("switch-of-a-foreach", cap=Cap.SWITCH, clauses=("D4", "F9", "F13"), scenario=WINDING)
def of_a_foreach(seen: Observation, expect: Expect) -> None:
    """The step that a switch has chosen may be a foreach: its join leads to the merge.

    Who looks for the merge among the joins takes the one for the other.
    """
    facts.tasks(seen, expect, "each", 3, ["a case is taken for one step"])
    facts.once(seen, expect, "many", "gather", "parting")
    expect.equal(
        "what the join of the chosen foreach got",
        expected=[[0, "ant"], [1, "bee"], [2, "cat"]],
        observed=facts.own(facts.one(seen, expect, "gather"), "gathered"),
    )


@case("switch-of-a-split", cap=Cap.SWITCH, clauses=("D4", "F7", "F13"), scenario=WINDING)
def of_a_split(seen: Observation, expect: Expect) -> None:
    """The step that a switch has chosen may be a split: both branches run, and are joined."""
    facts.absent(seen, expect, "never_one", ["all successors of a switch are started"])
    facts.once(seen, expect, "fork", "left", "right", "meet", "end")
    expect.equal(
        "the items of the case before, and the branches that were joined, as 'end' got them",
        expected=[[[0, "ant"], [1, "bee"], [2, "cat"]], ["left", "right"]],
        observed=facts.own(facts.one(seen, expect, "end"), "all"),
        likely=["the branches of a chosen split are taken for cases of the switch"],
    )
    facts.ended_well(seen, expect)
