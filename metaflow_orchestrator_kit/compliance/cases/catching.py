"""Cases on steps that go wrong under @catch."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import course, facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

CATCHING = Scenario("catching", "catching", caps=(Cap.CATCH,), timeout=150, expected=13)


def caught(seen: Observation, expect: Expect, step: str, text: str, likely: list[str]) -> None:
    """The artifact of @catch on that step holds an exception with that text."""
    problem = facts.one(seen, expect, step).artifacts.get(f"{step}_problem")
    expect.contains(
        f"artifact '{step}_problem'", expected=text, observed=str(problem), likely=likely
    )


@case("catch-exception", cap=Cap.CATCH, clauses=("H6",), scenario=CATCHING)
def exception(seen: Observation, expect: Expect) -> None:
    """@catch keeps the exception of a step in its artifact, after one attempt, and goes on.

    Caught outside the task, the step stays failed and the next one has no input.
    """
    facts.attempts(seen, expect, facts.one(seen, expect, "raised"), [0])
    caught(seen, expect, "raised", "planned in raised", ["@catch is emulated outside the task"])
    expect.true(
        "the step after it",
        bool(seen.step("retried")),
        expected="it was started",
        observed="it has no task",
        likely=["the run did not go on after the caught exception"],
    )


@case("catch-after-retries", cap=Cap.CATCH, clauses=("H2", "H6"), scenario=CATCHING)
def after_retries(seen: Observation, expect: Expect) -> None:
    """With @retry(times=2) and @catch the user's code runs three times, then is caught.

    Without --max-user-code-retries the first failure is swallowed at once, or the fallback runs
    in the place of the user's code.
    """
    likely = ["--max-user-code-retries is missing, or not the same on every attempt"]
    course.reached(seen, "retried", "catch-exception")
    course.tried(seen, expect, "retried", [0, 1, 2], likely=likely)
    caught(seen, expect, "retried", "planned in attempt 2", likely)


@case("catch-dead-process", cap=Cap.CATCH, clauses=("H3",), scenario=CATCHING)
def dead_process(seen: Observation, expect: Expect) -> None:
    """@catch covers a process that dies, by a further attempt that runs no user code.

    That attempt is one of the three that @catch adds to those of @retry: who schedules only the
    user's retries loses the run to an out-of-memory kill.
    """
    likely = ["only the first number of step_task_retry_count() is used"]
    course.reached(seen, "killed", "catch-after-retries")
    course.tried(seen, expect, "killed", [0, 1], user_code=[0], likely=likely)
    caught(seen, expect, "killed", "FailureHandledByCatch", likely)
    facts.one(seen, expect, "end", likely)
    facts.ended_well(seen, expect, likely)
