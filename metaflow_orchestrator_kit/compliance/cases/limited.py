"""Cases on the limits that a user sets: tasks at a time, time for a run, time between attempts."""

from __future__ import annotations

from itertools import pairwise

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance import words
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import course, facts
from metaflow_orchestrator_kit.compliance.expect import Blocked, Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

AT_A_TIME = 2
LIMITED = Scenario(
    "limited",
    "limited",
    caps=(Cap.FOREACH,),
    deploy={"max_workers": AT_A_TIME},
    timeout=150,
    expected=12,
)
OVERDUE = Scenario(
    "overdue",
    "terminable",
    caps=(Cap.TERMINATE,),
    deploy={"workflow_timeout": 10},
    trigger={"seconds": 45.0},
    timeout=150,
    expected=20,
)
PAUSE = 60.0
PATIENT = Scenario("patient", "patient", caps=(Cap.RETRY,), timeout=240, expected=75)


@case("max-workers", cap=Cap.FOREACH, clauses=("C2", "L7"), scenario=LIMITED, sees_errors=True)
def max_workers(seen: Observation, expect: Expect) -> None:
    """No more tasks of a run work at a time than create(max_workers=...) allows.

    People set it for the sake of a database or a licence that their tasks share.
    """
    facts.no_error(seen, expect, ["create has no option --max-workers"], phases=("deploy",))
    tasks = facts.tasks(seen, expect, "work", 6, ["no foreach runs: see 'foreach-task-per-item'"])
    facts.ended_well(seen, expect)
    spans = [(facts.own(task, "began"), facts.own(task, "ended")) for task in tasks]
    noted = sum(isinstance(moment, float) for span in spans for moment in span)
    expect.equal("beginnings and ends that the tasks have noted", expected=12, observed=noted)
    most = max(sum(a < moment < b for a, b in spans) for moment in _middles(spans))
    expect.true(
        f"tasks that worked at one time, with max_workers={AT_A_TIME}",
        most <= AT_A_TIME,
        expected=f"{AT_A_TIME} at most",
        observed=most,
        likely=["--max-workers is accepted and not handed to the scheduler"],
    )


def _middles(spans: list[tuple[float, float]]) -> list[float]:
    """Where the number of those that work at a time is highest: between two neighbouring ends."""
    ends = sorted(moment for span in spans for moment in span)
    return [(a + b) / 2 for a, b in pairwise(ends)]


@case(
    "workflow-timeout",
    cap=Cap.TERMINATE,
    clauses=("C2", "L4", "L7"),
    scenario=OVERDUE,
    sees_errors=True,
)
def workflow_timeout(seen: Observation, expect: Expect) -> None:
    """A run that takes longer than create(workflow_timeout=...) says is ended, and has failed.

    A run that hangs holds its machines, and its schedule, until somebody looks.
    """
    # The time may be over before Metaflow has seen the run.
    missing = ["create has no option --workflow-timeout"]
    facts.no_error(seen, expect, missing, unseen=True, phases=("deploy",))
    likely = ["--workflow-timeout is accepted and not handed to the scheduler"]
    expect.true(
        "the final status of a run of 45 s that may take 10 s",
        seen.terminal_after is not None and not words.is_good(seen.final_status),
        expected="terminal, and not a success",
        observed=seen.final_status,
        likely=likely,
    )
    facts.absent(seen, expect, "join", likely)
    expect.equal(
        "processes that still run some seconds after that",
        expected=[],
        observed=seen.residue.processes,
        likely=["the run is marked as over, and its tasks go on"],
    )


@case("retry-pause", cap=Cap.RETRY, clauses=("H5",), scenario=PATIENT)
def pause(seen: Observation, expect: Expect) -> None:
    """Between two attempts lie the minutes that @retry(minutes_between_retries=...) says.

    Attempts at once are used up before the service is back that the first one failed at.
    """
    start = course.tried(seen, expect, "start", [0, 1])
    began = {number: at for number, at, _, _ in start.attempt_times}
    if not {0, 1} <= began.keys():
        raise Blocked("Metaflow's metadata does not tell when the attempts of 'start' began.")
    expect.true(
        "seconds from the start of the first attempt to that of the second",
        began[1] - began[0] >= PAUSE - 5,
        expected=f"{PAUSE:.0f} or more, with minutes_between_retries=1",
        observed=round(began[1] - began[0], 1),
        likely=[
            "minutes_between_retries is not read, or taken for seconds",
            "a retry delay is set for the scheduler's whole run, and not for the step",
        ],
    )
    facts.ended_well(seen, expect)
