"""Every case lets a right observation pass, and catches the broken ones with its clauses."""

from __future__ import annotations

import pytest
from broken import BROKEN
from good import GOOD
from limits import NEVER_SEEN, NO_TIMES, OVER_BEFORE
from made import Broken, of_step, overall

from metaflow_orchestrator_kit.compliance.case import Case
from metaflow_orchestrator_kit.compliance.cases import all_cases
from metaflow_orchestrator_kit.compliance.expect import Blocked, Expect, ExpectationFailed
from metaflow_orchestrator_kit.compliance.model import Observation
from metaflow_orchestrator_kit.contract import load
from metaflow_orchestrator_kit.paths import compliance_flows

CASES = {case.id: case for case in all_cases()}

JUDGES_THE_RUN = {
    "branch-in-name",
    "branch-on-run",
    "failing-status",
    "found-by-name",
    "found-without-working-directory",
    "hooks-after-success",
    "init-fails",
    "linear-attribute-files",
    "linear-no-files",
    "linear-no-processes",
    "linear-run-succeeds",
    "linear-tags-on-run",
    "runtime-on-run",
    "terminate-processes",
    "terminate-stops",
    "workflow-timeout",
}
"""Cases that say nothing about single tasks, so that a run without tasks is none of theirs."""

JUDGES_TASKS = [case for id, case in CASES.items() if id not in JUDGES_THE_RUN]


def judge(case: Case, seen: Observation) -> int:
    """Judge as the suite does; how many expectations were made."""
    expect = Expect(case.id, case.promise, case.clauses)
    case.check(seen, expect)
    return expect.checked


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.id)
def test_a_right_observation_passes(case: Case) -> None:
    assert judge(case, GOOD[case.scenario.id]) > 0


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: f"{one.case}: {one.what}")
def test_a_broken_observation_is_caught(broken: Broken) -> None:
    case = CASES[broken.case]
    with pytest.raises(ExpectationFailed) as caught:
        judge(case, broken.change(GOOD[case.scenario.id]))
    message = str(caught.value)
    assert broken.says in message
    for clause in case.clauses:
        assert f"clause {clause}" in message


@pytest.mark.parametrize("case", JUDGES_TASKS, ids=lambda case: case.id)
def test_an_observation_without_any_task_never_passes(case: Case) -> None:
    nothing = overall(tasks=[], extra={})
    with pytest.raises((ExpectationFailed, Blocked)):
        judge(case, nothing(GOOD[case.scenario.id]))


def test_every_case_is_shown_something_broken() -> None:
    assert set(CASES) == {broken.case for broken in BROKEN}


def test_every_scenario_has_its_flow_and_a_case_module_of_the_same_name() -> None:
    for case in CASES.values():
        assert (compliance_flows() / f"{case.scenario.flow}.py").is_file()
    stems = {case.scenario.flow for case in CASES.values()}
    modules = {case.module.rpartition(".")[2] for case in CASES.values()}
    assert modules <= stems


def test_the_cited_clauses_exist() -> None:
    known = set(load())
    for case in CASES.values():
        assert set(case.clauses) <= known, case.id


def test_an_attempt_registered_by_two_decorators_counts_once() -> None:
    twice = of_step("start", attempts=[0, 0, 1, 1])(GOOD["retrying"])
    assert judge(CASES["retry-count"], twice) > 0


def test_without_a_ledger_the_registered_attempts_are_enough() -> None:
    for scenario in ("retrying", "catching", "timing", "linear"):
        unseen = overall(ledger=[])(GOOD[scenario])
        for case in CASES.values():
            if case.scenario.id == scenario:
                assert judge(case, unseen) > 0


def test_a_pause_cannot_be_judged_without_the_times_of_the_attempts() -> None:
    with pytest.raises(Blocked, match="does not tell when"):
        judge(CASES["retry-pause"], NO_TIMES)


def test_a_run_that_is_overdue_before_its_first_task_is_ended_as_well() -> None:
    assert judge(CASES["workflow-timeout"], NEVER_SEEN) > 0


def test_a_run_that_was_over_before_does_not_show_that_a_redeploy_leaves_it_alone() -> None:
    with pytest.raises(Blocked, match="over before"):
        judge(CASES["redeploy-leaves-runs"], OVER_BEFORE)


def test_resources_cannot_be_judged_where_nothing_is_compiled() -> None:
    silent = {"code": 2, "stdout": "", "stderr": "no such option: --only-json"}
    with pytest.raises(Blocked, match="no such option"):
        judge(CASES["resources-compiled"], overall(extra={"compiled": silent})(GOOD["resourced"]))
