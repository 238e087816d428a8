"""Cases on a run whose last step fails."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

FALTERING = Scenario("faltering", "faltering", caps=(Cap.LINEAR_DAG,), timeout=120, expected=6)


@case(
    "failing-last-step",
    cap=Cap.LINEAR_DAG,
    clauses=("F20", "L1", "L2"),
    scenario=FALTERING,
    sees_errors=True,
)
def last_step(seen: Observation, expect: Expect) -> None:
    """A run whose last step fails has failed, though that step was reached, and left artifacts.

    Who asks whether the last step has a task, or whether anything is left to start, says yes.
    """
    likely = ["a run counts as succeeded once its last step was started, or nothing is left to do"]
    facts.no_error(seen, expect, likely)
    end = facts.one(seen, expect, "end")
    facts.attempts(seen, expect, end, [0])
    expect.contains("Task.exception", expected="planned in end", observed=end.exception)
    facts.ended_badly(seen, expect, likely)
