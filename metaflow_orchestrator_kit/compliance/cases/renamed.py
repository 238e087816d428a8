"""Cases on flows whose first and last steps have names of their own, or are one step."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

RENAMED = Scenario("renamed", "renamed", caps=(Cap.LINEAR_DAG,), timeout=120, expected=6)
SINGLE = Scenario(
    "single",
    "single",
    caps=(Cap.LINEAR_DAG,),
    script="deploy_another",
    timeout=150,
    expected=12,
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


@case("single-step", cap=Cap.LINEAR_DAG, clauses=("D2", "D3"), scenario=SINGLE)
def single_step(seen: Observation, expect: Expect) -> None:
    """A flow of one step, which is its first and its last, runs and ends."""
    facts.once(seen, expect, "only")
    expect.equal(
        "artifact 'answer'",
        expected=42,
        observed=facts.own(facts.one(seen, expect, "only"), "answer"),
    )
    facts.ended_well(seen, expect, LIKELY)


@case("two-deployments", cap=Cap.LINEAR_DAG, clauses=("B15",), scenario=SINGLE)
def two_deployments(seen: Observation, expect: Expect) -> None:
    """A program deploys two flows and runs both; its variables and its directory stay its own.

    State that a deployer keeps in its module, or in the environment, belongs to the last flow.
    """
    assert seen.deployment is not None
    other = seen.extra.get("other", {})
    expect.true(
        "name and flow of the second deployment",
        other.get("name") != seen.deployment.name
        and other.get("flow_name") != seen.deployment.flow_name,
        expected="others than those of the first",
        observed=other,
        likely=["name or flow are kept in a variable of the module or of the class"],
    )
    runs = [run.get("result", run) for run in seen.extra.get("runs", [])]
    expect.equal(
        "flows of the runs of both deployments, in the order of their triggers",
        expected=[other.get("flow_name"), seen.deployment.flow_name],
        observed=[str(run.get("pathspec")).partition("/")[0] for run in runs],
        likely=["the deployed flow that came first speaks for the one that came last"],
    )
    expect.equal(
        "what create() and trigger() have changed in the process",
        expected={"variables": [], "working directory": []},
        observed=seen.extra.get("changed"),
        likely=["os.environ or os.chdir() is used to hand something to the commands"],
    )


@case("runs-at-once", cap=Cap.LINEAR_DAG, clauses=("E1", "E2"), scenario=SINGLE)
def runs_at_once(seen: Observation, expect: Expect) -> None:
    """Runs of one deployment, and of several, go on beside each other, each with its own id.

    With ids from the clock or from the deployment two runs are one; a queue that is shared by
    all flows gives the task of one to the worker of another.
    """
    runs = [run.get("result", run) for run in seen.extra.get("runs", [])]
    ids = [str(run.get("pathspec")) for run in runs] + [str(seen.pathspec)]
    expect.equal(
        f"number of different run ids ({', '.join(ids)})",
        expected=3,
        observed=len({one.partition("/")[2] for one in ids}),
        likely=["the run id follows from the name of the deployment, or from the time"],
    )
    steps = (["begin 1", "finish 1"], ["only 1"])
    for run, tasks in zip(runs, steps, strict=True):
        expect.equal(
            f"outcome, and tasks of each step, of {run.get('pathspec')}",
            expected={"successful": True, "tasks": tasks},
            observed={key: run.get(key) for key in ("successful", "tasks")},
            likely=["a worker takes up what is another flow's"],
        )
    facts.once(seen, expect, "only")
