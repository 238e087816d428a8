"""What counts something agrees with the number, in every output."""

from __future__ import annotations

import pytest
from report_builders import EXTENSION, make_report, result
from suite_builders import make_case

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.config import Backend
from metaflow_orchestrator_kit.compliance.grammar import several, unselected
from metaflow_orchestrator_kit.compliance.known.entries import KnownFailure
from metaflow_orchestrator_kit.compliance.report.badge import badge
from metaflow_orchestrator_kit.compliance.report.markdown import markdown
from metaflow_orchestrator_kit.compliance.report.page import page
from metaflow_orchestrator_kit.compliance.report.triage import triage
from metaflow_orchestrator_kit.compliance.select import select
from metaflow_orchestrator_kit.compliance.verdict import Result, Verdict
from metaflow_orchestrator_kit.test.show import headline
from metaflow_orchestrator_kit.test.stages import Compiled, show_compiled


@pytest.mark.parametrize(
    "number, text", [(0, "0 cases run"), (1, "1 case runs"), (2, "2 cases run")]
)
def test_the_words_fit_the_number(number: int, text: str) -> None:
    assert several(number, "case runs", "cases run") == text


def test_what_was_left_out_is_said_of_one_case_as_of_many() -> None:
    assert unselected(1, "required").startswith("Partial: 1 required case was not selected")
    assert unselected(2).startswith("Partial: 2 cases were not selected")


@pytest.mark.parametrize("form", [markdown, page])
def test_a_report_that_lacks_one_case_says_so_in_the_singular(form) -> None:
    report = make_report(result("ran", Verdict.PASSED), _left_out("one"))
    assert "1 case was not selected" in form(report)
    report = make_report(result("ran", Verdict.PASSED), _left_out("one"), _left_out("two"))
    assert "2 cases were not selected" in form(report)


def test_the_first_line_of_a_run_counts_its_cases() -> None:
    backend = Backend(name="mine", scheduler_type="my-sched")
    cases = [make_case("a", Cap.RETRY), make_case("b", Cap.SWITCH, caps=(Cap.SWITCH,))]
    lines = headline(backend, EXTENSION, select((), None, cases))
    assert "11 capabilities are declared; 1 case runs, 1 probes for a refusal" in lines
    lines = headline(backend, EXTENSION, select((), [Cap.RETRY], cases[:1] * 2))
    assert "1 capability is taken for supported; 2 cases run, 0 probe for a refusal" in lines


def test_the_stage_of_compiling_counts_its_flows() -> None:
    said: list[str] = []
    show_compiled([Compiled("a", ""), Compiled("b", "    no")], said.append)
    assert said[-1] == "compile: 1 flow is as it should be, 1 is not"
    show_compiled([Compiled("a", ""), Compiled("b", "")], said.append)
    assert said[-1] == "compile: 2 flows are as they should be, 0 are not"


def test_one_known_failure_is_one_on_the_badge() -> None:
    known = [KnownFailure("known", "observed 1", "later", "known.yaml:1")]
    report = make_report(result("known", Verdict.FAILED, "observed 1"), known=known)
    assert badge(report)["message"] == "0 passed, 1 known failure"


def test_the_worksheet_and_the_picture_count_one_of_each() -> None:
    report = make_report(result("a", Verdict.FAILED, "observed 1"), result("b", Verdict.BLOCKED))
    assert "(1 case)" in triage(report) and "Blocked: 1 case says nothing yet" in triage(report)
    assert ": 3 tasks, 4 attempts" in page(report)
    report["runs"][0]["tasks"] = report["runs"][0]["tasks"][:1]
    assert ": 1 task, 1 attempt" in page(report)


def _left_out(case: str) -> Result:
    return Result.of(make_case(case, Cap.RETRY), Verdict.DISABLED, selected=False)
