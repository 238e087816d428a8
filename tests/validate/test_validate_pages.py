"""docs/rules is what the rules say of themselves, and so is --explain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.validate.cli import main
from metaflow_orchestrator_kit.validate.pages import COMMAND, pages, write
from metaflow_orchestrator_kit.validate.rules import Rule
from metaflow_orchestrator_kit.validate.runner import catalogue

RULES = list(catalogue())
DOCS = Path(__file__).parents[2] / "docs" / "rules"


def test_the_pages_are_what_the_rules_say() -> None:
    there = {path.name: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}
    wanted = dict(pages())
    differ = sorted(n for n in {*there, *wanted} if there.get(n) != wanted.get(n))
    assert not differ, f"run: {COMMAND}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_page_has_what_why_bad_good_and_clauses(rule: type[Rule]) -> None:
    text = pages()[f"{rule.code}.md"]
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert "Why, and what to do" in headings
    for heading, has in (
        ("Bad", rule.INVALID),
        ("Good", rule.VALID),
        ("Clauses of the contract", rule.clauses),
    ):
        assert (heading in headings) == bool(has)
    assert len(re.findall(r"^`{3,}", text, re.MULTILINE)) % 2 == 0


def test_the_pages_of_rules_that_are_gone_are_removed(tmp_path: Path) -> None:
    (tmp_path / "MOK998.md").write_text("old")
    (tmp_path / "mine.md").write_text("kept")
    write(tmp_path)
    assert not (tmp_path / "MOK998.md").exists()
    assert (tmp_path / "mine.md").exists()


@pytest.mark.parametrize("what", ["MOK006", "mok006", "retry-count-constant"])
def test_a_rule_is_explained_by_its_page(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--explain", what]) == 0
    assert capsys.readouterr().out == pages()["MOK006.md"]


def test_a_clause_is_explained_with_the_rules_that_check_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--explain", "h1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("H1 (MUST")
    assert "MOK006 retry-count-constant" in out


def test_explaining_an_unknown_clause_says_which_ones_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--explain", "A99"]) == 2
    error = capsys.readouterr().err
    assert " A99. " in error
    assert "A1 to A" in error
    assert error.count("\n") == 1
