"""A case on a foreach over nothing."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

NOTHING = Scenario("nothing", "nothing", caps=(Cap.FOREACH,), timeout=120, expected=6)


@case("foreach-of-nothing", cap=Cap.FOREACH, clauses=("F11", "L2"), scenario=NOTHING)
def of_nothing(seen: Observation, expect: Expect) -> None:
    """A foreach over an empty list fails in the step that fans out, and so does the run.

    Metaflow raises there; a scheduler that goes on all the same runs the body with an item that
    does not exist, or waits for tasks that never come.
    """
    for step in ("body", "join", "end"):
        facts.absent(seen, expect, step, ["the body runs although the step before it has failed"])
    start = facts.one(seen, expect, "start")
    facts.attempts(seen, expect, start, [0])
    expect.contains("Task.exception of 'start'", expected="Foreach", observed=start.exception)
    facts.ended_badly(seen, expect)
