"""Cases on steps that take longer than @timeout allows."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import course, facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

TIMING = Scenario("timing", "timing", caps=(Cap.TIMEOUT,), timeout=150, expected=22)
OVERTIME = Scenario("overtime", "overtime", caps=(Cap.TIMEOUT,), timeout=120, expected=8)

LIKELY = [
    "the scheduler kills the step first: its own limit needs slack above @timeout",
    "--max-user-code-retries is missing: @timeout is off on retries",
]


def timed_out(seen: Observation, expect: Expect, step: str) -> None:
    """What was caught in that step is Metaflow's own timeout."""
    problem = facts.one(seen, expect, step).artifacts.get(f"{step}_problem")
    expect.contains(
        f"artifact '{step}_problem'",
        expected="TimeoutException",
        observed=str(problem),
        likely=LIKELY,
    )


@case("timeout-with-catch", cap=Cap.TIMEOUT, clauses=("H7",), scenario=TIMING)
def with_catch(seen: Observation, expect: Expect) -> None:
    """@timeout raises inside the task, so @catch keeps a TimeoutException.

    Where the scheduler kills the step at the same limit, nothing is raised and nothing caught.
    """
    task = facts.one(seen, expect, "caught", LIKELY)
    facts.attempts(seen, expect, task, [0], likely=LIKELY)
    timed_out(seen, expect, "caught")


@case("timeout-every-attempt", cap=Cap.TIMEOUT, clauses=("H2", "H7"), scenario=TIMING)
def every_attempt(seen: Observation, expect: Expect) -> None:
    """@timeout holds in every attempt, and @catch comes after the last one.

    Without --max-user-code-retries Metaflow does not arm the timeout on retries.
    """
    course.reached(seen, "retried", "timeout-with-catch")
    course.tried(seen, expect, "retried", [0, 1], likely=LIKELY)
    timed_out(seen, expect, "retried")


@case("timeout-with-retry", cap=Cap.TIMEOUT, clauses=("H1", "H7"), scenario=TIMING)
def with_retry(seen: Observation, expect: Expect) -> None:
    """An attempt that was timed out is followed by a retry that may succeed."""
    course.reached(seen, "recovered", "timeout-every-attempt")
    task = course.tried(seen, expect, "recovered", [0, 1], likely=LIKELY)
    expect.true("the task 'recovered'", task.successful, expected="successful", observed="failed")
    facts.ended_well(seen, expect)


@case("timeout-alone", cap=Cap.TIMEOUT, clauses=("H7", "L2"), scenario=OVERTIME)
def alone(seen: Observation, expect: Expect) -> None:
    """A step that takes too long fails the run within a minute, with Metaflow's own message."""
    slow = facts.one(seen, expect, "slow")
    facts.attempts(seen, expect, slow, [0])
    expect.contains("Task.exception", expected="timed out", observed=slow.exception, likely=LIKELY)
    facts.absent(seen, expect, "end")
    facts.ended_badly(seen, expect)
    expect.at_most(
        "seconds from trigger() to a terminal status", limit=60, observed=seen.terminal_after
    )
