"""Cases on a flow that starts when another one has succeeded."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Blocked, Expect
from metaflow_orchestrator_kit.compliance.model import UNIQUE, Observation, Scenario

FOLLOWING = Scenario(
    "following",
    "following",
    caps=(Cap.TRIGGER_ON_FINISH, Cap.PROJECT_BRANCH),
    top={"branch": UNIQUE},
    script="finish_another_flow",
    timeout=240,
    expected=35,
)


def _leader_ran(seen: Observation) -> str:
    outcome = seen.extra.get("leader", {})
    if "result" not in outcome:
        raise Blocked(f"The flow that is waited for did not run: {outcome.get('message')}")
    return str(outcome["result"])


@case("finish-starts-run", cap=Cap.TRIGGER_ON_FINISH, clauses=("K4", "K6"), scenario=FOLLOWING)
def starts_run(seen: Observation, expect: Expect) -> None:
    """A flow that succeeds starts the one that waits for it in the same branch, once."""
    _leader_ran(seen)
    expect.equal(
        "number of runs after the other flow has succeeded once in this branch",
        expected=1,
        observed=len(seen.extra.get("runs", [])),
        likely=[
            "the success is not published by the task of the last step",
            "project and branch of the flow itself are not filled in where they are left out",
        ],
    )
    facts.once(seen, expect, "start", "middle", "end")
    facts.ended_well(seen, expect)


@case("finish-of-another-branch", cap=Cap.TRIGGER_ON_FINISH, clauses=("K4",), scenario=FOLLOWING)
def of_another_branch(seen: Observation, expect: Expect) -> None:
    """Neither a success in another branch nor a failure in this one starts the waiting flow.

    What one person tries in a branch would start the production flow otherwise.
    """
    _leader_ran(seen)
    for what in ("elsewhere", "in_vain"):
        if "result" not in seen.extra.get(what, {}):
            raise Blocked(f"The flow that is waited for did not run ({what}).")
    expect.equal(
        "runs after a success in another branch and a failure in this one",
        expected=[],
        observed=seen.extra.get("too_early"),
        likely=["the filter has the flow's name only", "a failure is published as well"],
    )


@case("finish-in-current", cap=Cap.TRIGGER_ON_FINISH, clauses=("K5",), scenario=FOLLOWING)
def in_current(seen: Observation, expect: Expect) -> None:
    """`current.trigger.run` is the run whose success started this one."""
    leader = _leader_ran(seen)
    middle = facts.one(seen, expect, "middle")
    expect.equal(
        "types of the events in current.trigger",
        expected=["run"],
        observed=facts.own(middle, "kinds"),
        likely=["the steps' decorator does not call current._update_env({'trigger': ...})"],
    )
    expect.equal(
        "current.trigger.run in 'middle'",
        expected=leader,
        observed=facts.own(middle, "leader"),
        likely=["the id of the event is not the pathspec of the last task"],
    )
