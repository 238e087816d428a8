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


@case("parallel-one-gang", cap=Cap.PARALLEL, clauses=("F17", "F18"), scenario=GANG)
def one_gang(seen: Observation, expect: Expect) -> None:
    """All nodes of a gang name the same control task, which is node 0, and the same address.

    On one host Metaflow sees to that itself. Where every node has a host of its own, the scheduler
    has to tell each of them; a node that was not told believes to be the only one.
    """
    found = facts.tasks(seen, expect, "train", 3, ["only the control task was started"])
    first = [task.id for task in found if facts.own(task, "node") == [0, 3]]
    expect.equal("number of nodes that are node 0 of three", expected=1, observed=len(first))
    named = [facts.own(task, "control") for task in found]
    addresses = {str(one[1]) for one in named if isinstance(one, list) and one[1]}
    expect.equal(
        "the control task that each node names",
        expected=first * 3,
        observed=[one[0] if isinstance(one, list) else one for one in named],
        likely=["MF_PARALLEL_CONTROL_TASK_ID is not set for every node"],
    )
    expect.equal(
        f"number of addresses that they have for it ({', '.join(sorted(addresses))})",
        expected=1,
        observed=len(addresses),
        likely=["MF_PARALLEL_MAIN_IP is each node's own"],
    )
