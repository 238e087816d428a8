"""The clauses themselves: complete, consistent with the capabilities, true to their sources."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.version import Version

from metaflow_orchestrator_kit import Cap
from metaflow_orchestrator_kit.contract import Clause, UnknownClause, appendix, clause, group, load
from metaflow_orchestrator_kit.contract.loader import letters
from metaflow_orchestrator_kit.contract.model import TRIED_ON

CLAUSES = list(load().values())


def test_there_are_140_clauses_in_14_groups() -> None:
    assert len(CLAUSES) == 140
    assert "".join(letters()) == "ABCDEFGHIJKLMN"


def test_115_clauses_are_binding() -> None:
    assert sum(found.level.binding for found in CLAUSES) == 115


@pytest.mark.parametrize("letter", letters())
def test_a_group_numbers_its_clauses_without_a_gap(letter: str) -> None:
    ids = [found.id for found in group(letter).clauses]
    assert ids == [f"{letter}{number}" for number in range(1, len(ids) + 1)]


def test_every_binding_clause_says_what_a_user_sees_when_it_is_broken() -> None:
    assert [found.id for found in CLAUSES if found.level.binding and not found.symptom] == []


def test_titles_are_distinct() -> None:
    assert len({found.title for found in CLAUSES}) == len(CLAUSES)


@pytest.mark.parametrize("cap", Cap, ids=lambda cap: cap.name)
def test_a_capability_rests_on_clauses_that_exist_and_that_know_it(cap: Cap) -> None:
    assert cap.clauses
    assert [id for id in cap.clauses if cap not in clause(id).capabilities] == []


def test_a_clause_knows_exactly_the_capabilities_that_cite_it() -> None:
    told = {(found.id, cap) for found in CLAUSES for cap in found.capabilities}
    assert told == {(id, cap) for cap in Cap for id in cap.clauses}


def test_an_id_may_be_written_in_lower_case() -> None:
    assert clause("a1") is load()["A1"]


@pytest.mark.parametrize(
    ("id", "says"),
    [
        ("A99", "Group A has A1 to A11"),
        ("Z1", "The groups are A to N"),
        ("nonsense", "such as A1"),
        ("", "such as A1"),
    ],
)
def test_an_unknown_id_is_an_error_that_says_which_ids_there_are(id: str, says: str) -> None:
    with pytest.raises(UnknownClause, match=says):
        clause(id)


@pytest.mark.parametrize("letter", letters())
def test_sources_are_places_in_metaflow(letter: str) -> None:
    metaflow = distribution("metaflow")
    if Version(metaflow.version) < Version(TRIED_ON):
        pytest.skip(f"the sources were read at Metaflow {TRIED_ON}")
    root = Path(str(metaflow.locate_file("metaflow"))).parent
    wrong = [
        f"{found.id}: {place}"
        for found in group(letter).clauses
        for place in found.source
        # Metaflow's own tests are in its repository, not in the wheel.
        if place.startswith("metaflow/") and not (root / place.partition(":")[0]).is_file()
    ]
    assert wrong == []


def test_the_releases_of_clauses_are_releases_of_the_appendix() -> None:
    brought = {(id, change.release) for change in appendix.changes() for id in change.clauses}
    unexplained = [
        found.id for found in CLAUSES if found.since and (found.id, found.since) not in brought
    ]
    assert unexplained == []


def test_the_appendices_cite_clauses_that_exist() -> None:
    cited = [id for change in appendix.changes() for id in change.clauses]
    cited += [id for command in appendix.commands().commands for id in command.clauses]
    assert [id for id in cited if id not in load()] == []


def test_the_attempts_that_metaflow_allows_are_six() -> None:
    assert appendix.attempts().maximum == 6


def test_a_clause_cannot_be_changed() -> None:
    found: Clause = clause("A1")
    with pytest.raises(AttributeError):
        found.title = "other"  # type: ignore[misc]


def test_reading_the_contract_imports_neither_metaflow_nor_pytest() -> None:
    program = (
        "import sys; from metaflow_orchestrator_kit.contract import explain, load; load();"
        "explain('A1');"
        "print(sorted({'metaflow', 'pytest', 'click', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
