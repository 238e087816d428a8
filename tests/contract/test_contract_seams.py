"""Rules and cases are found where they are, and only their absence counts as none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.contract import ContractError, traceability
from metaflow_orchestrator_kit.contract.page import page
from metaflow_orchestrator_kit.contract.traceability import checked_by, rules, unchecked

ONE_RULE = """
class Rule:
    code = "X001"
    name = "a-fault"
    clauses = {clauses!r}

def all_rules():
    return [Rule]
"""

Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a module of that text in the place of the validator's rules, without any cases."""
    # A name per test: what has been imported once is not read again.
    name = f"rules_of_{abs(hash(tmp_path))}"
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(traceability, "RULES", name)
    monkeypatch.setattr(traceability, "CASES", f"{name}_without_cases")

    def write(text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")

    return write


def test_a_rule_checks_the_clauses_that_it_cites(install: Install) -> None:
    install(ONE_RULE.format(clauses=("A1", "A2")))
    assert [check.label for check in checked_by()["A1"]] == ["X001 a-fault"]
    assert not {"A1", "A2"} & set(unchecked())
    assert "A3" in unchecked()


def test_the_page_names_the_rule_beside_the_clause(install: Install) -> None:
    install(ONE_RULE.format(clauses=("A1",)))
    after = page().partition("### A1 ")[2]
    assert "- **Checked by.** `rule X001 a-fault`" in after.partition("### A2 ")[0]


def test_without_rules_and_cases_every_binding_clause_is_unchecked(install: Install) -> None:
    assert rules() is None
    assert len(unchecked()) == 115


def test_a_rule_that_cites_an_unknown_clause_is_an_error(install: Install) -> None:
    install(ONE_RULE.format(clauses=("A" + "77",)))
    with pytest.raises(ContractError, match="'X001 a-fault' cites"):
        checked_by()


def test_rules_that_cannot_be_imported_are_not_taken_for_missing(install: Install) -> None:
    install("import a_module_that_does_not_exist")
    with pytest.raises(ModuleNotFoundError, match="a_module_that_does_not_exist"):
        rules()
