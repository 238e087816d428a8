"""No broken orchestrator passes: a sample of the mutants is tried, all of them are looked at."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from mutant import INSTALLED, Mutant
from mutants_page import rows
from mutants_sample import sample
from mutants_trial import CASES, ROOT, Outcome, attempt, scaffold, selected
from table import MUTANTS

from metaflow_orchestrator_kit.capabilities import REQUIRED

PAGE = ROOT / "docs" / "mutants.md"


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scaffold(tmp_path_factory.mktemp("pristine"))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", sample(MUTANTS), ids=lambda mutant: mutant.id)
def test_a_broken_extension_is_caught_by_the_right_cases(
    mutant: Mutant, pristine: Path, tmp_path: Path
) -> None:
    outcome = attempt(mutant, pristine, tmp_path / "trial")
    assert outcome.killed, "\n".join(outcome.problems)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_an_extension_cannot_do_is_missed_by_the_case_of_that_alone(
    pristine: Path, tmp_path: Path
) -> None:
    lacking = Mutant(
        "no-terminate",
        "my_scheduler_objects.py",
        "    def terminate(",
        "    def terminate_not(",
        kills={"terminate-this-run": "AttributeError"},
    )
    assert attempt(lacking, pristine, tmp_path / "trial").problems == []


def test_every_edit_fits_the_generated_extension(pristine: Path, tmp_path: Path) -> None:
    for mutant in MUTANTS:
        copy = tmp_path / mutant.id / mutant.path.name
        copy.parent.mkdir()
        copy.write_bytes((pristine / mutant.path).read_bytes())
        mutant.apply(copy)
        compile(copy.read_text("utf-8"), str(mutant.path), "exec")


def test_a_mutant_whose_text_is_gone_is_an_error(pristine: Path) -> None:
    stale = Mutant("stale", "walk.py", "no such text", "", kills={"single-step": "x"})
    with pytest.raises(ValueError, match=r"0 times in walk\.py, not once"):
        stale.apply(pristine / stale.path)


def test_every_case_is_pinned_by_a_mutant() -> None:
    pinned = {case for mutant in MUTANTS for case in mutant.kills}
    assert CASES.keys() - pinned == INSTALLED.keys()


def test_mutants_name_cases_that_exist_and_say_what_their_messages_have() -> None:
    for mutant in MUTANTS:
        assert mutant.kills, mutant.id
        assert {*mutant.kills, *mutant.also} <= CASES.keys(), mutant.id
        assert not set(mutant.kills) & set(mutant.also), mutant.id
        assert all(len(fragment) > 3 for fragment in mutant.kills.values()), mutant.id
        judged = {case.id for case in selected(mutant)}
        assert set(mutant.also) <= judged, f"{mutant.id}: 'also' has cases of other scenarios"
        assert judged - {*mutant.kills, *mutant.also}, f"{mutant.id}: nothing is left to pass"


def test_no_mutant_is_there_twice() -> None:
    assert not _twice(mutant.id for mutant in MUTANTS)
    assert not _twice((mutant.file, mutant.find, mutant.put, mutant.second) for mutant in MUTANTS)


def test_there_are_mutants_of_the_extension_and_of_its_engine_as_many_as_promised() -> None:
    assert len(MUTANTS) >= 80
    assert any(mutant.file.startswith("embedded_") for mutant in MUTANTS)


def test_the_sample_has_a_mutant_for_every_required_capability() -> None:
    caught = {CASES[case].cap for mutant in sample(MUTANTS) for case in mutant.kills}
    assert set(REQUIRED) <= caught


def test_the_page_has_the_mutants_of_the_table_and_says_of_each_that_it_was_killed() -> None:
    text = PAGE.read_text("utf-8")
    named = re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)
    assert named == [mutant.id for mutant in MUTANTS], "write it again with `make mutants`"
    for mutant in MUTANTS:
        killed = Outcome(mutant.id, 0.0, {}, [])
        assert "".join(rows(mutant, killed)) in text, f"{mutant.id}: run `make mutants`"
    assert f"{len(MUTANTS)} of {len(MUTANTS)} mutants killed" in text
    assert f"{len(CASES) - len(INSTALLED)} of {len(CASES)} cases" in text
    assert all(f"`{case}`" in text for case in INSTALLED)


def _twice(items: object) -> list[object]:
    return [item for item, number in Counter(items).items() if number > 1]  # type: ignore[call-overload]
