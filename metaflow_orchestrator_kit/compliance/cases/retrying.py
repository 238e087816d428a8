"""Cases on steps of every kind that fail before they succeed."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import course, facts
from metaflow_orchestrator_kit.compliance.expect import Blocked, Expect, Words
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

RETRYING = Scenario("retrying", "retrying", caps=(Cap.RETRY,), timeout=150, expected=22)

LIKELY = [
    "--retry-count is a constant, or the scheduler's counter with another origin than 0",
    "attempts are counted per step or per run, not per task",
    "the failed attempt did not get its retry",
]


@case("retry-count", cap=Cap.RETRY, clauses=("H1", "H3"), scenario=RETRYING)
def count(seen: Observation, expect: Expect) -> None:
    """Attempts of a task are numbered 0, 1, 2 … without a gap, each task for itself.

    With a constant 0 attempts overwrite each other; a gap hides the attempt that succeeded.
    """
    course.numbered(seen, expect, "start", [0, 1], likely=LIKELY)
    for step in ("start", "fan"):
        course.tried(seen, expect, step, [0, 1], likely=LIKELY)
    for index, task in enumerate(facts.tasks(seen, expect, "work", 3)):
        facts.attempts(seen, expect, task, list(range(index + 1)), likely=LIKELY)
    course.tried(seen, expect, "join", [0, 1], likely=LIKELY)
    course.reached(seen, "end", "retry-after-a-late-death")
    facts.attempts(seen, expect, facts.one(seen, expect, "end"), [0], likely=LIKELY)


@case("retry-last-attempt-counts", cap=Cap.RETRY, clauses=("H1", "H2"), scenario=RETRYING)
def last_attempt_counts(seen: Observation, expect: Expect) -> None:
    """The attempt that succeeds is the one that the rest of the run and the client see."""
    for task in seen.tasks:
        expect.equal(
            f"current.retry_count in the last attempt of {task.step}/{task.id}",
            expected=task.current_attempt,
            observed=facts.own(task, "seen", "attempt"),
            likely=LIKELY,
        )
    course.reached(seen, "join", "retry-count")
    expect.equal(
        "item and successful attempt of each input of 'join'",
        expected=[[0, 0], [1, 1], [2, 2]],
        observed=facts.own(facts.one(seen, expect, "join"), "joined"),
        likely=LIKELY,
    )
    course.reached(seen, "end", "retry-after-a-late-death")
    facts.ended_well(seen, expect, LIKELY)


@case("retry-logs", cap=Cap.TASK_LOGS, clauses=("L5",), scenario=RETRYING)
def logs_of_attempts(seen: Observation, expect: Expect) -> None:
    """The logs of a task that was tried again are those of its last attempt.

    Stored under a fixed attempt, they are those of the failure, or cannot be found at all.
    """
    course.reached(seen, "join", "retry-count")
    course.one_id(seen, "join")
    join = facts.one(seen, expect, "join")
    if len(join.attempts) < 2:
        raise Blocked("'join' was not tried again; see 'retry-count'")
    expect.contains(
        "Task.stdout of 'join', which did not succeed in its first attempt",
        expected=f"mok-out: attempt {join.current_attempt}",
        observed=join.stdout,
        likely=["the logs are stored under attempt 0 whatever the attempt is (MF_ATTEMPT)"],
    )


@case("retry-same-task", cap=Cap.RETRY, clauses=("F2", "H1"), scenario=RETRYING)
def same_task(seen: Observation, expect: Expect) -> None:
    """All attempts of a task have one task id.

    An attempt number or a random part in the id makes failed attempts look like further tasks.
    """
    for step in ("start", "fan"):
        facts.one(seen, expect, step, ["the task id changes with the attempt"])
    facts.tasks(seen, expect, "work", 3, ["the task id changes with the attempt"])


@case("retry-keeps-run", cap=Cap.RETRY, clauses=("E3", "E4", "H9"), scenario=RETRYING)
def keeps_run(seen: Observation, expect: Expect) -> None:
    """A retried first step does not set the run up again."""
    assert seen.run is not None
    expect.equal(
        "number of tasks of _parameters",
        expected=1,
        observed=len(seen.run.parameters_tasks),
        likely=["init runs with every attempt of the first step, under another id"],
    )
    course.tried(seen, expect, "start", [0, 1], likely=LIKELY)


@case("foreach-after-retry", cap=Cap.FOREACH, clauses=("F10", "I1"), scenario=RETRYING)
def width_after_retry(seen: Observation, expect: Expect) -> None:
    """A foreach step that fails once before it fans out has its full width afterwards.

    Read from attempt 0, the width is missing, or taken for 1.
    """
    fan = seen.one("fan")
    if fan is None or not fan.successful:
        raise Blocked("the foreach step 'fan' did not succeed; see 'retry-count'")
    facts.tasks(seen, expect, "work", 3, ["the width is read from attempt 0"])


@case(
    "retry-after-a-late-death",
    cap=Cap.RETRY,
    clauses=("F20", "H1", "I1", "L6"),
    scenario=RETRYING,
)
def late_death(seen: Observation, expect: Expect) -> None:
    """A process that dies once its result is stored takes neither the run nor the result along.

    It did not end well, so the step may be tried again; or the stored result is taken as it is.
    Both are right. Wrong is to lose the run, to run an attempt twice, or to go on with an older
    result than the one that the client shows.
    """
    likely = ["a process that a signal ended is not tried again", *LIKELY]
    course.reached(seen, "late", "retry-count")
    task = facts.one(seen, expect, "late", likely)
    entries = seen.entries("late")
    if entries and not any(entry["event"] == "dying" for entry in entries):
        raise Blocked("the process of 'late' ended without its exit handlers, so it did not die")
    numbers = facts.registered(task)
    expect.true(
        f"attempts of task late/{task.id}, in order, as Metaflow registered them",
        numbers in ([0], [0, 1]),
        expected=Words("[0, 1], or [0] where the stored result is taken"),
        observed=numbers,
        likely=likely,
    )
    ran = [entry["attempt"] for entry in entries if entry["event"] == "ran"]
    expect.equal(
        f"attempts of task late/{task.id} that ran the user's code more than once",
        expected=[],
        observed=sorted({number for number in ran if ran.count(number) > 1}),
        likely=["a lost attempt is made again although its result is there"],
    )
    expect.equal(
        "the attempt of 'late' whose result 'end' was given",
        expected=task.current_attempt,
        observed=facts.one(seen, expect, "end", likely).artifacts.get("result_of"),
        likely=["the input of 'end' is read from a fixed attempt"],
    )
    facts.ended_well(seen, expect, likely)
