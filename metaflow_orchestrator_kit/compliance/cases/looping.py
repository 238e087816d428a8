"""Cases on a switch that chooses itself: in a chain, and in a foreach."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

ITEMS = ["ant", "bee", "cat"]
LOOPING = Scenario(
    "looping",
    "looping",
    caps=(Cap.RECURSIVE_SWITCH, Cap.SWITCH, Cap.FOREACH),
    timeout=150,
    expected=19,
)


@case("loop-tasks", cap=Cap.RECURSIVE_SWITCH, clauses=("D5", "F15"), scenario=LOOPING)
def loop_tasks(seen: Observation, expect: Expect) -> None:
    """A switch that chooses itself runs again as a new task, on the artifacts of the last turn.

    With one id for all turns they overwrite each other and the history is lost.
    """
    turns = facts.tasks(seen, expect, "loop", 3, ["the task id does not count the turns"])
    expect.equal(
        "ids of the turns, as the last one counted them",
        expected=sorted(task.id for task in turns),
        observed=sorted(facts.own(facts.one(seen, expect, "fan"), "counted")),
        likely=["the input of a turn, or of the step after, is not the turn before"],
    )
    for task in turns:
        facts.attempts(seen, expect, task, [0])


@case("loop-inside-foreach", cap=Cap.RECURSIVE_SWITCH, clauses=("F12", "F15"), scenario=LOOPING)
def loop_inside_foreach(seen: Observation, expect: Expect) -> None:
    """In a foreach every item takes the turns that it chose itself, each with its own index.

    The ids of turns need the item and the number of the turn, or turns meet in one task.
    """
    likely = [
        "the ids of the turns lack the index of the item, or the number of the turn",
        "the input of a turn is not the item's turn before",
    ]
    turns = facts.tasks(seen, expect, "turn", 6, likely)
    facts.tasks(seen, expect, "settled", 3, likely)
    joined = facts.own(facts.one(seen, expect, "gather"), "turns")
    taken = [[[place, item] for place, item, _ in each] for each in joined]
    expect.equal(
        "index and item in the turns of each item, as the join got them",
        expected=[[[place, item]] * (place + 1) for place, item in enumerate(ITEMS)],
        observed=taken,
        likely=likely,
    )
    expect.equal(
        "ids of all turns, as the items counted them",
        expected=sorted(task.id for task in turns),
        observed=sorted(identifier for each in joined for _, _, identifier in each),
        likely=likely,
    )
    facts.ended_well(seen, expect)
