"""Cases on flows whose first and last steps have names of their own, or are one step."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

RENAMED = Scenario("renamed", "renamed", caps=(Cap.LINEAR_DAG,), timeout=120, expected=6)
SINGLE = Scenario("single", "single", caps=(Cap.LINEAR_DAG,), timeout=120, expected=5)

LIKELY = ["a step is recognised by the name 'start' or 'end': take it from the graph"]


@case("renamed-start-and-end", cap=Cap.LINEAR_DAG, clauses=("D2", "E2"), scenario=RENAMED)
def start_and_end(seen: Observation, expect: Expect) -> None:
    """A flow's first and last steps may have any name.

    Nine of eleven extensions compare with 'start' and 'end': init never runs, or the run never
    looks finished.
    """
    facts.once(seen, expect, "begin", "finish")
    expect.equal(
        "the steps that handed their artifacts on to 'finish'",
        expected=["begin", "finish"],
        observed=facts.own(facts.one(seen, expect, "finish"), "trail"),
        likely=LIKELY,
    )
    facts.ended_well(seen, expect, LIKELY)


@case("single-step", cap=Cap.LINEAR_DAG, clauses=("D2", "D3"), scenario=SINGLE)
def single_step(seen: Observation, expect: Expect) -> None:
    """A flow of one step, which is its first and its last, runs and ends."""
    facts.once(seen, expect, "only")
    expect.equal(
        "artifact 'answer'",
        expected=42,
        observed=facts.own(facts.one(seen, expect, "only"), "answer"),
    )
    facts.ended_well(seen, expect, LIKELY)
