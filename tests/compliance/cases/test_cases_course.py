"""What stopped a run, or the ids of its tasks, is told once: by the case that is about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from good import GOOD
from made import observed, task

from metaflow_orchestrator_kit.compliance.cases import all_cases
from metaflow_orchestrator_kit.compliance.expect import Blocked, Expect, ExpectationFailed
from metaflow_orchestrator_kit.compliance.model import Observation, RunSeen, TaskSeen

CASES = {case.id: case for case in all_cases()}


def tries(step: str, *numbers: int, last: bool = False) -> list[TaskSeen]:
    """One task for each attempt, of which the last may have succeeded."""
    return [
        task(
            step,
            id=f"{step}-{place}",
            attempts=[number],
            successful=last and place == len(numbers) - 1,
            finished=last and place == len(numbers) - 1,
            exception=f"ValueError: planned in attempt {number}",
            created_at=float(place),
        )
        for place, number in enumerate(numbers)
    ]


def failed(*tasks: TaskSeen) -> Observation:
    """A run that stopped after these tasks."""
    return observed(task("start", created_at=-1.0), *tasks, good=False)


def said(case_id: str, seen: Observation) -> str:
    """The verdict on a case, and its words."""
    case = CASES[case_id]
    try:
        case.check(seen, Expect(case.id, case.promise, case.clauses))
    except Blocked as reason:
        return f"blocked: {reason}"
    except ExpectationFailed as failure:
        return f"failed: {failure}"
    return "passed"


def hold(seen: Observation, expected: Mapping[str, str]) -> None:
    """Each of these cases has the verdict, and says so."""
    for case, words in expected.items():
        verdict, _, part = words.partition(": ")
        message = said(case, seen)
        assert message.startswith(verdict), f"{case}: {message}"
        assert part in message, f"{case}: {message}"


def test_an_exception_was_caught_whatever_ids_the_attempts_of_the_next_step_have():
    caught = GOOD["catching"].step("raised")[0]
    hold(
        failed(replace(caught, created_at=0.0), *tries("retried", 0, 0, 0)),
        {
            "catch-exception": "passed",
            "catch-after-retries": "blocked: see 'retry-same-task'",
            "catch-dead-process": "blocked: stopped at step 'retried', before 'killed'",
        },
    )


def test_an_exception_that_is_not_caught_is_told_by_its_own_case():
    hold(
        failed(*tries("raised", 0)),
        {
            "catch-exception": "failed: @catch is emulated outside the task",
            "catch-after-retries": "blocked: see 'catch-exception'",
        },
    )


def test_constant_retry_counts_are_told_although_each_attempt_has_an_id():
    started = observed(*tries("start", 0, 0), good=False)
    assert started.run is not None
    run: RunSeen = replace(started.run, parameters_tasks=["a", "b"])
    hold(
        replace(started, run=run),
        {
            "retry-count": "failed: [0, 0]",
            "retry-same-task": "failed: the task id changes with the attempt",
            "retry-keeps-run": "failed: number of tasks of _parameters",
            "retry-last-attempt-counts": "blocked: see 'retry-count'",
            "retry-after-a-late-death": "blocked: stopped at step 'start', before 'late'",
        },
    )


def test_an_id_for_each_attempt_is_one_fault_where_their_numbers_are_right():
    hold(
        observed(*tries("start", 0, 1), good=False),
        {
            "retry-count": "blocked: see 'retry-same-task'",
            "retry-keeps-run": "blocked: see 'retry-same-task'",
            "retry-pause": "blocked: see 'retry-same-task'",
            "retry-same-task": "failed: number of tasks of step 'start'",
        },
    )


def test_decorators_of_the_command_line_are_not_to_blame_for_ids():
    hold(
        failed(*tries("broken", 0, 0)),
        {
            "with-retry-at-deploy": "blocked: see 'retry-same-task'",
            "with-catch-at-deploy": "blocked: see 'retry-same-task'",
        },
    )
    hold(
        failed(*tries("broken", 0)),
        {"with-retry-at-deploy": "failed: as Metaflow registered them"},
    )


def test_a_missing_attempt_is_told_whatever_the_ids():
    hold(
        observed(*tries("start", 0, 0, 0, 0, 0), good=False),
        {"six-attempts": "failed: number of attempts of step 'start'"},
    )


def test_a_step_that_was_never_reached_is_not_judged():
    hold(
        failed(*tries("caught", 0)),
        {
            "timeout-with-catch": "failed: the scheduler kills the step first",
            "timeout-every-attempt": "blocked: stopped at step 'caught', before 'retried'",
            "timeout-with-retry": "blocked: stopped at step 'caught', before 'recovered'",
        },
    )


@pytest.mark.parametrize("case", ["catch-dead-process", "timeout-with-retry", "retry-count"])
def test_a_step_that_is_left_out_though_none_failed_is_red(case):
    found = CASES[case]
    good = GOOD[found.scenario.id]
    lost = {"catch-dead-process": "killed", "timeout-with-retry": "recovered", "retry-count": "end"}
    seen = replace(good, tasks=[one for one in good.tasks if one.step != lost[case]])
    assert said(case, seen).startswith("failed: ")


def test_a_run_stopped_at_the_last_task_that_failed_and_not_at_one_that_was_tried_again():
    seen = failed(*tries("first", 0, 1, last=True), *tries("second", 0))
    assert "stopped at step 'second'" in said("catch-dead-process", seen)


def test_a_foreach_that_never_fans_out_is_told_once():
    hold(
        observed(task("start"), good=False),
        {
            "foreach-task-per-item": "failed: number of tasks of step 'name_it'",
            "foreach-whole-body": "blocked: see 'foreach-task-per-item'",
            "foreach-join-order": "blocked: ended as FAILED, before 'join'",
            "max-workers": "failed: no foreach runs",
        },
    )


def test_a_body_of_which_only_the_first_step_runs_is_red_however_the_run_ends():
    items = [task("name_it", index=[i]) for i in range(11)]
    hold(
        failed(*items, *tries("join", 0)),
        {"foreach-whole-body": "failed: only the first body step is run"},
    )
    hold(
        failed(*items, *tries("shape_it", 0)),
        {
            "foreach-whole-body": "failed: number of tasks of step 'shape_it'",
            "foreach-join-order": "blocked: stopped at step 'shape_it', before 'join'",
        },
    )


def test_a_step_that_is_killed_before_metaflow_knows_it_was_killed_by_the_scheduler():
    hold(
        observed(task("start"), good=False),
        {
            "timeout-with-catch": "failed: the scheduler kills the step first",
            "timeout-every-attempt": "blocked: see 'timeout-with-catch'",
        },
    )
