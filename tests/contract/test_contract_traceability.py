"""Every binding clause is checked, or is on the list that may only shrink."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.contract import ContractError, load, traceability
from metaflow_orchestrator_kit.contract.traceability import (
    cases,
    checked_by,
    citations,
    not_checked_yet,
    rules,
    unchecked,
)

LISTED_AT_MOST = 0
"""How long the list of unchecked clauses may be. Lower it whenever the list gets shorter."""

ROOT = Path(__file__).resolve().parents[2]

needs_both = pytest.mark.skipif(
    rules() is None or cases() is None,
    reason="the validator's rules or the compliance cases are not part of this installation",
)


@needs_both
def test_every_binding_clause_is_checked_or_listed_as_not_checked_yet() -> None:
    forgotten = [id for id in unchecked() if id not in not_checked_yet()]
    assert forgotten == [], "neither a rule nor a case cites them, and the list does not either"


@needs_both
def test_the_list_holds_no_clause_that_is_checked_by_now() -> None:
    checks = checked_by()
    stale = {id: [check.label for check in checks[id]] for id in not_checked_yet() if checks[id]}
    assert stale == {}, f"remove them from {traceability.NOT_CHECKED_YET.name}"


def test_the_list_does_not_grow() -> None:
    assert len(not_checked_yet()) <= LISTED_AT_MOST


def test_every_reason_is_one_line() -> None:
    assert [id for id, reason in not_checked_yet().items() if "\n" in reason] == []


def test_rules_and_cases_cite_clauses_that_exist() -> None:
    assert set(checked_by()) == set(load())


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ("[{id: Q1, reason: none}]", "'Q1' is not the id of a MUST"),
        ("[{id: A11, reason: it is a MAY}]", "'A11' is not the id of a MUST"),
        ("[{id: A1, reason: one}, {id: A1, reason: two}]", "A1 is listed twice"),
        ("[{id: A1}]", "the key 'reason' is missing"),
    ],
)
def test_a_fault_in_the_list_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entries: str, says: str
) -> None:
    path = tmp_path / "not_checked_yet.yaml"
    path.write_text(f"clauses: {entries}", encoding="utf-8")
    monkeypatch.setattr(traceability, "NOT_CHECKED_YET", path)
    with pytest.raises(ContractError, match=says):
        not_checked_yet()


# Put together here, so that the search below does not take the examples for citations.
WORD = "clause"


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (f"as {WORD} A1 says", ["A1"]),
        (f"({WORD}s A1, B2 and C11)", ["A1", "B2", "C11"]),
        (f"{WORD}s H1–H4, or L6.", ["H1", "H4", "L6"]),
        (f"# {WORD}s A1,\n    # B2", ["A1", "B2"]),
        (f'{WORD}s=("A1", "B2"),', ["A1", "B2"]),
        (f'{WORD}s: tuple[str, ...] = ("A1",\n    "B2")', ["A1", "B2"]),
        (f"{WORD}s: [A1, B2]", ["A1", "B2"]),
        (f'"{WORD}": "A1"', ["A1"]),
        ("[why](docs/contract.md#f10)", ["F10"]),
        (f"the {WORD} of group A", []),
        (f"an except {WORD}; S3 and K8s are no ids", []),
    ],
)
def test_citations_are_found_in_prose_and_in_code(text: str, ids: list[str]) -> None:
    assert [id for _, id in citations(text)] == ids


def test_a_citation_comes_with_its_line() -> None:
    assert list(citations(f"one\ntwo\n{WORD}s A1,\nB2")) == [(3, "A1"), (4, "B2")]


TEXT = {".py", ".j2", ".md", ".yaml", ".yml", ".toml", ".sh", ".json", ".txt", ""}


def texts(root: Path) -> Iterator[Path]:
    """The text files of the repository, without environments, builds and hidden folders."""
    for folder, below, names in os.walk(root):
        below[:] = sorted(
            name
            for name in below
            if (not name.startswith(".") or name == ".github")
            and name not in {"__pycache__", "build", "dist", "node_modules"}
            and not (Path(folder) / name / "pyvenv.cfg").exists()
        )
        yield from (Path(folder) / name for name in sorted(names) if Path(name).suffix in TEXT)


def test_every_clause_that_the_repository_cites_exists() -> None:
    known = load()
    wrong: list[str] = []
    found = 0
    for path in texts(ROOT):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for line, id in citations(text):
            found += 1
            if id not in known:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: clause {id} does not exist")
    assert wrong == []
    assert found > 100
