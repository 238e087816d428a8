"""Cases on a switch that chooses itself."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

LOOPING = Scenario(
    "looping", "looping", caps=(Cap.RECURSIVE_SWITCH, Cap.SWITCH), timeout=120, expected=9
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
        observed=sorted(facts.own(facts.one(seen, expect, "end"), "turns")),
        likely=["the input of a turn, or of the step after, is not the turn before"],
    )
    for task in turns:
        facts.attempts(seen, expect, task, [0])
    facts.ended_well(seen, expect)
