"""What ``--explain`` prints, and the command that prints the page."""

from __future__ import annotations

import pytest

from metaflow_orchestrator_kit.contract import UnknownClause, explain, letters, load
from metaflow_orchestrator_kit.contract.__main__ import main


def test_a_clause_is_explained_with_rule_symptom_source_release_and_capabilities() -> None:
    text = explain("h1")
    assert text.startswith("H1 (MUST) --retry-count is this task's attempt, from 0\n")
    for label in ("Rule", "If broken", "Source", "Evidence", "Capabilities"):
        assert f"\n  {label}" in text
    assert "RETRY" in text
    assert "Metaflow 2.19.23" in explain("D2")


def test_a_group_is_explained_as_a_list_of_its_clauses() -> None:
    text = explain("N")
    assert text.startswith("N. Resume\n")
    assert [f"\n  N{number}" in text for number in range(1, 7)] == [True] * 6


@pytest.mark.parametrize("letter", letters())
def test_explanations_fit_into_80_columns(letter: str) -> None:
    texts = [explain(letter), *(explain(id) for id in load() if id[0] == letter)]
    lines = [line for text in texts for line in text.splitlines()]
    # A source stays in one piece, so that it can be copied.
    assert [line for line in lines if len(line) > 80 and ".py:" not in line] == []


def test_an_unknown_topic_is_an_error() -> None:
    with pytest.raises(UnknownClause, match="The groups are A to N"):
        explain("Z")


def test_the_command_explains_a_clause(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["c6"]) == 0
    assert capsys.readouterr().out == f"{explain('C6')}\n"


def test_the_command_ends_with_2_and_one_line_for_an_unknown_id(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["A99"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: There is no ")
    assert printed.err.endswith(" A99. Group A has A1 to A11.\n")
