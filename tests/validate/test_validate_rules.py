"""Every rule's own examples: the good ones are silent, each bad one is found where it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.contract import load
from metaflow_orchestrator_kit.validate.findings import Verdict
from metaflow_orchestrator_kit.validate.rules import Example, Rule, all_rules
from metaflow_orchestrator_kit.validate.rules.examples import with_files
from metaflow_orchestrator_kit.validate.runner import validate

MARK = "# <-- here"
RULES = list(all_rules())
WITH_EXAMPLES = [rule for rule in RULES if rule.code != "MOK000"]
GOOD = [(rule, example) for rule in RULES for example in rule.VALID]
BAD = [(rule, example) for rule in RULES for example in rule.INVALID]


def _name(case: object) -> str:
    return case.title if isinstance(case, Example) else getattr(case, "name", "")


def _write(root: Path, files: dict[str, str]) -> dict[str, str]:
    tree = with_files(files)
    for path, text in tree.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return tree


@pytest.mark.parametrize(("rule", "example"), GOOD, ids=_name)
def test_a_good_example_passes(rule: type[Rule], example: Example, tmp_path: Path) -> None:
    _write(tmp_path, example.files)
    (outcome,) = validate(tmp_path, [rule]).outcomes
    assert outcome.verdict is Verdict.PASS, (outcome.findings, outcome.unsure)
    assert outcome.evidence


@pytest.mark.parametrize(("rule", "example"), BAD, ids=_name)
def test_a_bad_example_is_found_once_and_in_its_place(
    rule: type[Rule], example: Example, tmp_path: Path
) -> None:
    tree = _write(tmp_path, example.files)
    (outcome,) = validate(tmp_path, [rule]).outcomes
    assert outcome.verdict is Verdict.FAIL, (outcome.evidence, outcome.unsure)
    assert len(outcome.findings) == 1, outcome.findings
    marked = {
        (path, number)
        for path, text in tree.items()
        for number, line in enumerate(text.splitlines(), 1)
        if MARK in line
    }
    if marked:
        assert {(f.path, f.line) for f in outcome.findings} == marked


@pytest.mark.parametrize("rule", RULES, ids=_name)
def test_a_rule_is_named_after_its_fault_and_says_how_to_fix_it(rule: type[Rule]) -> None:
    assert re.fullmatch(r"MOK\d{3}", rule.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", rule.name)
    assert rule.__doc__
    assert len(rule.__doc__.split("\n\n")) >= 2
    assert set(rule.clauses) <= set(load())


@pytest.mark.parametrize("rule", WITH_EXAMPLES, ids=_name)
def test_a_rule_has_good_and_bad_examples(rule: type[Rule]) -> None:
    assert rule.VALID
    assert rule.INVALID


def test_codes_and_names_are_unique() -> None:
    assert len({r.code for r in RULES}) == len(RULES)
    assert len({r.name for r in RULES}) == len(RULES)
