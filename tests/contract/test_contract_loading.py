"""Malformed data is one error that names the file, the clause and the fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from metaflow_orchestrator_kit.contract import ContractError, Level
from metaflow_orchestrator_kit.contract.loader import read_group


def entry(**changes: Any) -> dict[str, Any]:
    """A good clause, with changes; a change to ``...`` removes the key."""
    good = {
        "id": "A1",
        "level": "MUST",
        "title": "A title",
        "rule": "A rule.",
        "symptom": "A symptom.",
        "source": ["metaflow/util.py:3-9,12"],
        "since": "2.12.9",
        "evidence": "tried",
    }
    return {key: value for key, value in {**good, **changes}.items() if value is not ...}


def write(folder: Path, *clauses: object, **changes: Any) -> Path:
    """A group's file with those clauses."""
    path = folder / "A.yaml"
    document = {"group": "A", "title": "Topic", "clauses": list(clauses), **changes}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def test_a_good_file_is_read_with_its_types(tmp_path: Path) -> None:
    found = read_group(write(tmp_path, entry(), entry(id="A2", since=None, symptom=None)))
    assert [clause.id for clause in found.clauses] == ["A1", "A2"]
    assert found.clauses[0].level is Level.MUST
    assert found.clauses[0].source == ("metaflow/util.py:3-9,12",)
    assert found.clauses[1].since is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"symptoms": "x"}, r"A\.yaml, clause A1: unknown key 'symptoms'"),
        ({"rule": ...}, r"A\.yaml, clause A1: the key 'rule' is missing"),
        ({"rule": "  "}, "'rule' must be a text"),
        ({"rule": ["x"]}, "'rule' must be a text, found a list"),
        ({"level": "OUGHT"}, "'level' is 'OUGHT'; it can be MUST, MUST NOT, SHOULD, MAY"),
        ({"evidence": "hearsay"}, "'evidence' is 'hearsay'"),
        ({"since": "2.12"}, "'since' must be a release"),
        ({"since": 2.12}, "'since' must be a text"),
        ({"source": "metaflow/util.py"}, "'source' must be a list"),
        ({"source": ["util.py:3"]}, "path:lines from Metaflow's root, found 'util.py:3'"),
        ({"source": [3]}, "'source' must hold texts"),
        ({"id": "B1"}, "'id' must be A and a number"),
        ({"id": 1}, r"A\.yaml, clause 1: 'id' must be a text"),
    ],
)
def test_a_fault_in_a_clause_is_named(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ContractError, match=says):
        read_group(write(tmp_path, entry(**changes)))


def test_an_id_that_is_used_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"A\.yaml: the id A1 is used twice"):
        read_group(write(tmp_path, entry(), entry(title="Another")))


def test_a_clause_that_is_not_a_mapping_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="clause 1: expected a mapping, found 'A1'"):
        read_group(write(tmp_path, "A1"))


def test_a_group_in_the_wrong_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="'group' is 'B'"):
        read_group(write(tmp_path, entry(), group="B"))


def test_a_file_that_is_not_yaml_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "A.yaml"
    path.write_text("group: [", encoding="utf-8")
    with pytest.raises(ContractError, match=r"A\.yaml: not YAML"):
        read_group(path)


def test_a_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"A\.yaml: cannot be read"):
        read_group(tmp_path / "A.yaml")


def test_a_python_object_in_the_yaml_is_not_built(tmp_path: Path) -> None:
    path = tmp_path / "A.yaml"
    path.write_text("group: !!python/object/apply:os.getcwd []", encoding="utf-8")
    with pytest.raises(ContractError, match="not YAML"):
        read_group(path)
