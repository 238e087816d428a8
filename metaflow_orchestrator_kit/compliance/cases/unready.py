"""A case on a run that fails before its first step."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

UNREADY = Scenario("unready", "unready", caps=(Cap.LINEAR_DAG,), timeout=120, expected=5)

_LIKELY = {
    "trigger": ["trigger() runs init itself, or waits for the end of the run"],
    "wait": ["the status is derived from the Metaflow run, which does not exist"],
}
"""By the phase in which something raised."""


@case("init-fails", cap=Cap.LINEAR_DAG, clauses=("L1", "L2"), scenario=UNREADY, sees_errors=True)
def init_fails(seen: Observation, expect: Expect) -> None:
    """A run whose init fails ends as failed within a minute, although Metaflow never saw it.

    Such a run has no record in the metadata: a status that is read there waits for ever.
    """
    likely = _LIKELY.get(seen.error.phase, ()) if seen.error is not None else ()
    facts.no_error(seen, expect, likely, unseen=True)
    facts.ended_badly(seen, expect, ["the exit code of init is not looked at"])
    expect.at_most(
        "seconds from the trigger to that status", limit=60, observed=seen.terminal_after
    )
    expect.equal("tasks of the run", expected=[], observed=[task.step for task in seen.tasks])
