"""Notes on capabilities are plain text of four forms, and agree with what is declared."""

from __future__ import annotations

import pytest
from report_builders import EXTENSION, make_report, result

from metaflow_orchestrator_kit import Cap
from metaflow_orchestrator_kit.compliance.case import Need
from metaflow_orchestrator_kit.compliance.declaration import problems, unreachable_problem
from metaflow_orchestrator_kit.compliance.report.markdown import markdown
from metaflow_orchestrator_kit.compliance.report.page import page
from metaflow_orchestrator_kit.compliance.report.table import render
from metaflow_orchestrator_kit.compliance.verdict import Verdict

NOTES = {
    "SWITCH": "full",
    "SCHEDULE": "since 1.4",
    "RESUME": "not yet: https://example.org/issues/12",
    "CONDA": "impossible: the workers have no network",
}


def test_all_four_forms_are_understood():
    assert problems(NOTES, {"SWITCH", "SCHEDULE"}) == {}


@pytest.mark.parametrize(
    ("name", "note", "says"),
    [
        ("SWICH", "full", "there is no capability `SWICH`; is it SWITCH?"),
        ("SWITCH", 3, "must be text"),
        ("SWITCH", "mostly", "must be one of 'full', 'since VERSION'"),
        ("SWITCH", "since", "must be one of"),
        ("RESUME", "not yet", "must be one of"),
        ("RESUME", "impossible:", "must be one of"),
        ("SWITCH", "not yet: https://example.org/1", "is in SUPPORTED_CAPABILITIES"),
        ("RESUME", "since 2", "says that it is supported, and SUPPORTED_CAPABILITIES not"),
    ],
)
def test_a_note_that_says_nothing_or_the_contrary_is_told(name, note, says):
    assert says in problems({name: note}, {"SWITCH"})[name]


def test_something_else_than_a_dictionary_is_told():
    assert "must be a dictionary" in problems(["SWITCH"], {"SWITCH"})[""]


def test_the_notes_are_shown_in_the_table_and_in_every_report():
    results = [result("a", Verdict.PASSED, cap=Cap.SCHEDULE)]
    report = make_report(*results)
    report["extension"] = {**report["extension"], "notes": {"SCHEDULE": NOTES["SCHEDULE"]}}
    assert "SCHEDULE           optional  passed         1\n    since 1.4" in render(
        results, notes=NOTES
    )
    assert "passed · since 1.4 |" in markdown(report)
    assert "The extension says: since 1.4" in page(report)
    assert EXTENSION.notes == {}


def test_what_cuts_the_scheduler_off_is_text_by_name():
    assert unreachable_problem({"METAFLOW_SCHED_HOST": "127.0.0.1:1", "queue": "none"}) == ""


@pytest.mark.parametrize("wrong", [{}, [], "127.0.0.1:1", {"HOST": None}, {"HOST": ""}, {3: "x"}])
def test_what_cannot_cut_a_scheduler_off_is_told(wrong):
    assert "UNREACHABLE must be a dictionary" in unreachable_problem(wrong)


def test_what_was_not_run_is_named_with_its_reason_in_the_table_and_in_every_report():
    left_out = result("a-large-one", Verdict.DISABLED, message=Need.LARGE.reason)
    report = make_report(result("a", Verdict.PASSED), left_out)
    said = f"Not run: a-large-one ({Need.LARGE.value})."
    assert said in " ".join(render([left_out]).split())
    assert said in markdown(report)
    assert Need.LARGE.reason in page(report)
    assert "Not run" not in render([result("a", Verdict.PASSED)])
