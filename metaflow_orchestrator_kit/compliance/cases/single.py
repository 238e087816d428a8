"""Cases on flows of one step, on deployments and on runs beside each other."""

from __future__ import annotations

from typing import Any

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import Need, case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.lab.scripts import together
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

SINGLE = Scenario(
    "single",
    "single",
    caps=(Cap.LINEAR_DAG,),
    script="deploy_another",
    timeout=180,
    expected=16,
)

CUT_OFF = Scenario(
    "single_cut_off",
    "single",
    caps=(Cap.LINEAR_DAG,),
    script="call_while_cut_off",
    timeout=240,
    expected=6,
)
OFTEN = Scenario(
    "single_often",
    "single",
    caps=(Cap.LINEAR_DAG,),
    script="trigger_often",
    timeout=900,
    expected=110,
)


@case("single-step", cap=Cap.LINEAR_DAG, clauses=("D2", "D3"), scenario=SINGLE)
def single_step(seen: Observation, expect: Expect) -> None:
    """A flow of one step, which is its first and its last, runs and ends."""
    facts.once(seen, expect, "only")
    expect.equal(
        "artifact 'answer'",
        expected=42,
        observed=facts.own(facts.one(seen, expect, "only"), "answer"),
    )
    facts.ended_well(seen, expect)


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
    runs = _runs(seen)
    expect.equal(
        "flows of the runs of both deployments, in the order of their triggers",
        expected=[other.get("flow_name"), seen.deployment.flow_name],
        observed=[_flow(run) for run in runs[:2]],
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
    runs = _runs(seen)
    ids = [str(run.get("pathspec")) for run in runs] + [str(seen.pathspec)]
    expect.equal(
        f"number of different run ids ({', '.join(ids)})",
        expected=4,
        observed=len({one.partition("/")[2] for one in ids}),
        likely=["the run id follows from the name of the deployment, or from the time"],
    )
    steps = (["begin 1", "finish 1"], ["only 1"], ["begin 1", "finish 1"])
    for run, tasks in zip(runs, steps, strict=True):
        expect.equal(
            f"outcome, and tasks of each step, of {run.get('pathspec')}",
            expected={"successful": True, "tasks": tasks},
            observed={key: run.get(key) for key in ("successful", "tasks")},
            likely=["a worker takes up what is another flow's"],
        )
    facts.once(seen, expect, "only")


@case("long-names", cap=Cap.LINEAR_DAG, clauses=("J1",), scenario=SINGLE)
def long_names(seen: Observation, expect: Expect) -> None:
    """Two deployments with long names that differ at the end only are two, and stay two.

    Where a name is cut off at what the scheduler takes, the second one replaces the first, and
    whoever triggers the first runs the second.
    """
    likely = ["the name is cut off without a hash of the whole"]
    outcomes = seen.extra.get("twins", [])
    twins = [outcome.get("result", outcome) for outcome in outcomes]
    expect.true(
        "create() of the second one",
        all("result" in outcome for outcome in outcomes),
        expected="a deployment",
        observed=outcomes,
        likely=[*likely, "a long name is refused instead of shortened"],
    )
    expect.equal(
        f"number of different names ({', '.join(str(twin.get('name')) for twin in twins)})",
        expected=2,
        observed=len({twin.get("name") for twin in twins}),
        likely=likely,
    )
    expect.equal(
        "flow of a run of the first one, triggered when the second one had been deployed",
        expected=[twins[0].get("flow_name")],
        observed=[_flow(run) for run in _runs(seen)[2:]] or seen.extra.get("long_run"),
        likely=likely,
    )


@case(
    "fifty-runs-at-once",
    cap=Cap.LINEAR_DAG,
    clauses=("E1", "E2", "L7"),
    scenario=OFTEN,
    need=Need.LARGE,
)
def fifty_runs(seen: Observation, expect: Expect) -> None:
    """Fifty runs of one deployment, triggered at the same time, are fifty, and end well.

    Ids from the clock, or a count that is read and then written, give one id to two of them; a
    scheduler that is overrun drops some, or locks its own database.
    """
    runs = seen.extra.get("runs", [])
    expect.equal(
        "number of different runs",
        expected=together.OFTEN,
        observed=len(set(runs)),
        likely=["the run id comes from the time, or from a counter without a lock"],
    )
    facts.once(seen, expect, "only")
    facts.ended_well(seen, expect)


@case(
    "cut-off-at-create",
    cap=Cap.LINEAR_DAG,
    clauses=("B2", "C5"),
    scenario=CUT_OFF,
    need=Need.UNREACHABLE,
)
def cut_off_at_create(seen: Observation, expect: Expect) -> None:
    """create() raises while the scheduler is down, and says what could not be reached.

    A timeout, or the traceback of a client, leaves it to the user to guess which of ten services
    was meant.
    """
    _names_the_cause(seen, expect, "create")


@case(
    "cut-off-at-trigger",
    cap=Cap.LINEAR_DAG,
    clauses=("B7",),
    scenario=CUT_OFF,
    need=Need.UNREACHABLE,
)
def cut_off_at_trigger(seen: Observation, expect: Expect) -> None:
    """trigger() raises while the scheduler is down, and says what could not be reached.

    Swallowed, it leaves a run id that no scheduler knows, and somebody who waits for it.
    """
    _names_the_cause(seen, expect, "trigger")


def _names_the_cause(seen: Observation, expect: Expect, call: str) -> None:
    outcome = seen.extra.get(call, {})
    expect.true(
        f"{call}() while the scheduler is cut off",
        "error" in outcome and outcome["error"] not in ("AttributeError", "TypeError"),
        expected="an exception",
        observed=outcome or "never called",
        likely=["the failure of the scheduler's client is swallowed"],
    )
    settings = seen.extra.get("settings", {})
    message = str(outcome.get("message"))
    expect.true(
        f"what {call}() says",
        any(value in message for value in settings.values()),
        expected=f"it names {' or '.join(settings.values())}",
        observed=message,
        likely=["the message of the client is passed on without the address that it was given"],
    )


def _runs(seen: Observation) -> list[dict[str, Any]]:
    """The further runs: of another flow, of this one, of a flow with a long name."""
    return [run.get("result", run) for run in seen.extra.get("runs", [])]


def _flow(run: dict[str, Any]) -> str:
    return str(run.get("pathspec")).partition("/")[0]
