"""Notes on capabilities are plain text of four forms, and agree with what is declared."""

from __future__ import annotations

import pytest
from report_builders import EXTENSION, make_report, result

from metaflow_orchestrator_kit import Cap
from metaflow_orchestrator_kit.compliance.declaration import problems
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
