"""Cases on a flow with names of its own: for its first and last steps, and its deployment's."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance import words
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

RENAMED = Scenario(
    "renamed",
    "renamed",
    caps=(Cap.LINEAR_DAG,),
    script="list_deployments",
    timeout=120,
    expected=8,
)
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


@case("list-finds-deployment", cap=Cap.LIST_DEPLOYMENTS, clauses=("B10", "B12"), scenario=RENAMED)
def listed(seen: Observation, expect: Expect) -> None:
    """list_deployed_flows() yields the deployment, among all and by its flow's name.

    The inherited method asks Argo Workflows instead.
    """
    assert seen.deployment is not None
    for how in ("listed_all", "listed_flow"):
        outcome = seen.extra.get(how, {})
        expect.contains(
            f"names of the deployments, {how.replace('_', ' by ').replace('by all', 'all')}",
            expected=seen.deployment.name,
            observed=outcome.get("result", [str(outcome)]),
            likely=["list_deployed_flows is not overridden: Argo's is called"],
        )
    expect.equal(
        "how many deployments that flow has",
        expected=1,
        observed=len(seen.extra["listed_flow"]["result"]),
    )


@case("list-filters-by-flow", cap=Cap.LIST_DEPLOYMENTS, clauses=("B12",), scenario=RENAMED)
def filtered(seen: Observation, expect: Expect) -> None:
    """list_deployed_flows(flow_name) yields that flow's deployments only."""
    expect.equal(
        "deployments of a flow that does not exist",
        expected={"result": []},
        observed=seen.extra.get("listed_other"),
    )


@case("list-finds-run", cap=Cap.LIST_DEPLOYMENTS, clauses=("B10", "B12"), scenario=RENAMED)
def run_found(seen: Observation, expect: Expect) -> None:
    """get_triggered_run() gives back a triggered run, with its pathspec and its status."""
    outcome = seen.extra.get("found_run", {})
    found = outcome.get("result") or {}
    expect.equal("its pathspec", expected=seen.pathspec, observed=found.get("pathspec", outcome))
    expect.true(
        "its status",
        words.is_good(found.get("status")),
        expected="succeeded, in the scheduler's word",
        observed=found.get("status"),
    )


@case("found-unknown-name", cap=Cap.FROM_DEPLOYMENT, clauses=("B3", "B11"), scenario=RENAMED)
def unknown_name(seen: Observation, expect: Expect) -> None:
    """from_deployment() of a name that was never deployed raises an error that names it."""
    outcome = seen.extra.get("unknown", {})
    expect.true(
        "from_deployment('no-such-deployment')",
        "error" in outcome and outcome["error"] not in ("NotImplementedError", "RecursionError"),
        expected="a MetaflowException",
        observed=outcome,
        likely=["the deployment is not looked up before the stub flow is built"],
    )
    expect.contains("its message", expected="no-such-deployment", observed=outcome.get("message"))


@case("foreign-run-refused", cap=Cap.TERMINATE, clauses=("C9", "J7"), scenario=RENAMED)
def foreign_run(seen: Observation, expect: Expect) -> None:
    """A run id that is none of this scheduler's is refused, not handed to it as it is."""
    outcome = seen.extra.get("foreign_run", {})
    expect.true(
        "get_triggered_run(<name>, 'another-17').terminate()",
        ("error" in outcome and outcome["error"] not in ("NotImplementedError", "AttributeError"))
        or outcome.get("result") is False,
        expected="False, or an exception",
        observed=outcome or "never tried",
        likely=["the prefix of the run id is cut off unseen"],
    )


@case("delete-once-and-twice", cap=Cap.TERMINATE, clauses=("L4",), scenario=RENAMED)
def deleted(seen: Observation, expect: Expect) -> None:
    """delete() takes the deployment away and says so; a second one says that there is none."""
    expect.equal("delete()", expected={"result": True}, observed=seen.extra.get("delete"))
    expect.true(
        "from_deployment() afterwards",
        "error" in seen.extra.get("found_after_delete", {}),
        expected="an exception",
        observed=seen.extra.get("found_after_delete"),
        likely=["the deployment is only disabled"],
    )
    again = seen.extra.get("delete_again", {})
    expect.true(
        "delete() once more",
        again.get("result") is False or again.get("error") not in (None, "AttributeError"),
        expected="False, or an exception",
        observed=again,
        likely=["the exit code of the command is 0 although there was nothing to delete"],
    )
