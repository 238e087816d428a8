"""Cases on a deployment that is replaced while a run of it goes on."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Blocked, Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

REDEPLOYED = Scenario(
    "redeployed",
    "redeployed",
    caps=(Cap.LINEAR_DAG,),
    script="redeploy_while_running",
    timeout=180,
    expected=14,
)


@case("redeploy-replaces", cap=Cap.LINEAR_DAG, clauses=("J9",), scenario=REDEPLOYED)
def replaces(seen: Observation, expect: Expect) -> None:
    """create() of an edited flow replaces its deployment: what is triggered then runs the edit.

    A deployment that is only made where there is none of its name goes on with the code of its
    first day, whatever is deployed.
    """
    assert seen.deployment is not None
    expect.equal(
        "name of the deployment after create() of the edited flow",
        expected={"result": seen.deployment.name},
        observed=seen.extra.get("again"),
    )
    expect.equal(
        "the word in the code of the run that was triggered after it",
        expected={"result": "second"},
        observed=seen.extra.get("later"),
        likely=["create keeps a deployment that is there", "the code of a deployment is cached"],
    )


@case("redeploy-leaves-runs", cap=Cap.LINEAR_DAG, clauses=("I4", "J9"), scenario=REDEPLOYED)
def leaves_runs(seen: Observation, expect: Expect) -> None:
    """A run that goes on while its flow is deployed anew ends as it began, with the old code.

    Somebody deploys in working hours, and hours of training are gone, or half of a run's steps
    are those of another version.
    """
    likely = ["create ends what runs", "the code of the old deployment is overwritten in place"]
    facts.ended_well(seen, expect, likely)
    if seen.extra.get("over_before", True):
        raise Blocked("The run was over before its flow was deployed anew.")
    expect.equal(
        "the word in the code of the run that was under way",
        expected="first",
        observed=facts.own(facts.one(seen, expect, "end", likely), "word"),
        likely=likely,
    )


@case("terminate-this-run", cap=Cap.TERMINATE, clauses=("L4",), scenario=REDEPLOYED)
def this_run(seen: Observation, expect: Expect) -> None:
    """terminate() ends its own run, and no other one of the deployment."""
    expect.equal(
        "terminate() of the second of two runs",
        expected=True,
        observed=seen.extra.get("terminate", {}).get("result", seen.extra.get("terminate")),
    )
    facts.ended_well(
        seen, expect, ["terminate addresses the deployment, or the latest run, and not the run"]
    )


@case("unreachable-step-refused", cap=Cap.LINEAR_DAG, clauses=("C1",), scenario=REDEPLOYED)
def unreachable_step(seen: Observation, expect: Expect) -> None:
    """create() of a flow with a step that nothing leads to is refused, as `run` refuses it.

    Metaflow's check of the graph is the callback of the command group to call: otherwise the
    compiler breaks at such a graph, or the scheduler does, hours later.
    """
    outcome = seen.extra.get("lost", {})
    likely = ["the command group does not call obj.check(obj.graph, obj.flow, obj.environment)"]
    expect.true(
        "create() of a flow whose step 'lost' cannot be reached",
        "error" in outcome,
        expected="an exception",
        observed=outcome,
        likely=likely,
    )
    message = str(outcome.get("message")).lower()
    for word in ("lost", "unreachable"):
        expect.contains("its message", expected=word, observed=message, likely=likely)
