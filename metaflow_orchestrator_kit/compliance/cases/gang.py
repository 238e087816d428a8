"""Cases on @parallel."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

GANG = Scenario("gang", "gang", caps=(Cap.PARALLEL,), timeout=120, expected=10)


@case("parallel-nodes", cap=Cap.PARALLEL, clauses=("F17",), scenario=GANG)
def nodes(seen: Observation, expect: Expect) -> None:
    """Every node of a gang runs, knows its index and the size, and is seen by the join.

    Metaflow does not check the number: a join that is given the control task alone sees one.
    """
    facts.tasks(seen, expect, "train", 3, ["only the control task was started"])
    expect.equal(
        "index and size of the nodes, as 'join' saw them",
        expected=[[0, 3], [1, 3], [2, 3]],
        observed=facts.own(facts.one(seen, expect, "join"), "nodes"),
        likely=["the inputs of the join are not all of _control_mapper_tasks"],
    )
    facts.ended_well(seen, expect)
