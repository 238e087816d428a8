"""Verdicts are counted, all of them, and only what ran and held is a pass."""

from __future__ import annotations

import json

import pytest
from suite_builders import make_case, make_result

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.report.results import gather
from metaflow_orchestrator_kit.compliance.report.table import counts, overall, render
from metaflow_orchestrator_kit.compliance.select import select
from metaflow_orchestrator_kit.compliance.verdict import Exit, Result, Verdict, count, exit_code


def results(*verdicts: Verdict) -> list[Result]:
    return [make_result(verdict) for verdict in verdicts]


def test_every_verdict_is_counted_also_the_ones_that_were_not_given():
    counted = count(results(Verdict.PASSED, Verdict.PASSED, Verdict.REFUSED))
    assert set(counted) == set(Verdict)
    assert counted[Verdict.PASSED] == 2
    assert counted[Verdict.FAILED] == 0


@pytest.mark.parametrize("good", [Verdict.PASSED, Verdict.REFUSED, Verdict.KNOWN_FAILURE])
def test_a_run_is_green_when_every_case_that_applies_ran_and_held(good):
    assert exit_code(results(good, Verdict.DISABLED)) is Exit.PASSED


@pytest.mark.parametrize(
    "bad",
    [Verdict.FAILED, Verdict.FIXED, Verdict.BLOCKED, Verdict.ERROR, Verdict.NOT_RUN],
)
def test_one_red_or_missing_verdict_is_enough_to_fail(bad):
    assert exit_code(results(Verdict.PASSED, bad)) is Exit.FAILED


@pytest.mark.parametrize("idle", [[], [Verdict.DISABLED], [Verdict.NOT_RUN, Verdict.DISABLED]])
def test_a_run_in_which_nothing_ran_is_never_a_pass(idle):
    assert exit_code(results(*idle)) is Exit.NOTHING_RAN


def test_cases_left_out_by_the_users_selection_do_not_make_a_run_red():
    left_out = make_result(Verdict.NOT_RUN, selected=False)
    assert exit_code([*results(Verdict.PASSED), left_out]) is Exit.PASSED
    assert exit_code([left_out]) is Exit.NOTHING_RAN


def test_a_capability_is_as_good_as_its_worst_case():
    assert overall(results(Verdict.PASSED, Verdict.FAILED)) is Verdict.FAILED
    assert overall(results(Verdict.PASSED, Verdict.NOT_RUN)) is Verdict.NOT_RUN
    assert overall(results(Verdict.PASSED, Verdict.DISABLED)) is Verdict.PASSED
    assert overall([]) is None


def test_the_table_has_a_line_per_capability_and_fits_in_80_columns():
    lines = render(results(*Verdict)).splitlines()
    assert all(len(line) <= 80 for line in lines)
    for cap in Cap:
        assert sum(line.startswith(f"{cap.name} ") for line in lines) == 1


def test_the_last_line_has_all_verdicts_with_their_numbers():
    text = " ".join(counts(results(Verdict.PASSED)).split())
    assert text.startswith("1 passed, 0 failed, 0 refused, 0 known-failure")
    assert all(f" {verdict.value}" in text for verdict in Verdict)


def test_the_table_is_plain_text_unless_colour_is_asked_for():
    assert "\x1b" not in render(results(Verdict.PASSED))
    assert "\x1b[32m" in render(results(Verdict.PASSED), colour=True)


def test_what_was_planned_and_not_noted_did_not_run(tmp_path):
    plan = select(None, None, (make_case("a", Cap.RETRY), make_case("b", Cap.RETRY)))
    noted = tmp_path / "results.jsonl"
    passed = Result.of(plan.planned[0].case, Verdict.PASSED)
    noted.write_text(json.dumps(passed.to_json()) + '\n{"case": "b", "verd')
    assert [one.verdict for one in gather(plan, noted)] == [Verdict.PASSED, Verdict.NOT_RUN]


def test_what_was_not_selected_and_what_does_not_apply_say_why(tmp_path):
    cases = (make_case("a", Cap.RETRY), make_case("b", Cap.SWITCH), make_case("c", Cap.RESUME))
    plan = select(None, None, cases, ["a", "b"])
    by_case = {one.case: one for one in gather(plan, tmp_path / "none")}
    assert by_case["b"].verdict is Verdict.DISABLED
    assert "SWITCH is optional" in by_case["b"].message
    assert by_case["c"].selected is False
