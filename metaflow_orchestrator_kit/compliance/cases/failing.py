"""Cases on a run that fails in its middle step, and on what decorators given at deploy change."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import course, facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

FAILING = Scenario("failing", "failing", caps=(Cap.LINEAR_DAG,), timeout=120, expected=6)
HELPED = Scenario(
    "failing_helped",
    "failing",
    caps=(Cap.RETRY, Cap.CATCH),
    top={
        "decospecs": [
            "retry:times=1,minutes_between_retries=0",
            "catch:var=problem,print_exception=False",
        ]
    },
    timeout=120,
    expected=8,
)

_LIKELY = {
    "trigger": ["trigger() runs the flow itself, or waits for the end of the run"],
    "wait": ["the status comes from the Metaflow run, which never says that it has failed"],
}
"""By the phase in which something raised."""


@case(
    "failing-status", cap=Cap.LINEAR_DAG, clauses=("L1", "L2"), scenario=FAILING, sees_errors=True
)
def status(seen: Observation, expect: Expect) -> None:
    """A run that fails in a middle step gets a terminal, failed status within a minute.

    Run.finished never becomes true for a failed run: who polls that alone polls for ever.
    """
    facts.no_error(seen, expect, _LIKELY.get(seen.error.phase, ()) if seen.error else ())
    facts.ended_badly(seen, expect, ["the exit code of a step does not fail the run"])
    expect.at_most(
        "seconds from trigger() to a terminal status", limit=60, observed=seen.terminal_after
    )
    expect.true(
        "Run.successful of Metaflow's client",
        seen.run is not None and not seen.run.successful,
        expected=False,
        observed=None if seen.run is None else seen.run.successful,
    )


@case("failing-stops", cap=Cap.LINEAR_DAG, clauses=("F20", "L2"), scenario=FAILING)
def stops(seen: Observation, expect: Expect) -> None:
    """A step that fails without @retry is tried once, and no step after it starts.

    Artifacts and the DONE marker exist for failed attempts too: only the exit code counts.
    """
    facts.attempts(seen, expect, facts.one(seen, expect, "start"), [0])
    broken = facts.one(seen, expect, "broken")
    facts.attempts(
        seen, expect, broken, [0], likely=["a step without @retry is retried by the scheduler"]
    )
    expect.contains("Task.exception", expected="planned in broken", observed=broken.exception)
    facts.absent(seen, expect, "end", ["success is judged by something else than the exit code"])


@case("failing-logs", cap=Cap.TASK_LOGS, clauses=("L5",), scenario=FAILING)
def logs(seen: Observation, expect: Expect) -> None:
    """The last words of a failing task are stored, its traceback among them."""
    task = facts.one(seen, expect, "broken")
    likely = ["the logs are saved only after a success"]
    expect.contains(
        "Task.stdout", expected="mok-out: last words", observed=task.stdout, likely=likely
    )
    expect.contains(
        "Task.stderr", expected="mok-err: last words", observed=task.stderr, likely=likely
    )
    expect.contains(
        "Task.stderr", expected="planned in broken", observed=task.stderr, likely=likely
    )


@case("with-retry-at-deploy", cap=Cap.RETRY, clauses=("D1", "H3"), scenario=HELPED)
def with_retry(seen: Observation, expect: Expect) -> None:
    """@retry added with --with when deploying holds as if it stood in the flow."""
    likely = ["the flow is compiled before the decorators of --with are attached"]
    course.tried(seen, expect, "broken", [0, 1], likely=likely)
    facts.attempts(seen, expect, facts.one(seen, expect, "start"), [0])


@case("with-catch-at-deploy", cap=Cap.CATCH, clauses=("D1", "D9", "H6"), scenario=HELPED)
def with_catch(seen: Observation, expect: Expect) -> None:
    """@catch added with --with when deploying works inside the tasks too."""
    likely = ["the step commands lack --with for decorators that are not in the flow file"]
    course.one_id(seen, "broken")
    facts.ended_well(seen, expect, likely)
    expect.contains(
        "what 'end' found to be caught",
        expected="ValueError",
        observed=str(facts.own(facts.one(seen, expect, "end"), "caught")),
        likely=likely,
    )
