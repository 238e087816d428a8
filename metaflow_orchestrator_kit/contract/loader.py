"""The clauses, read from ``clauses/``: one YAML file per group."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from metaflow_orchestrator_kit.contract.model import (
    Clause,
    ContractError,
    Evidence,
    Group,
    Level,
    UnknownClause,
)
from metaflow_orchestrator_kit.contract.reading import Entry, parse

CLAUSES = Path(__file__).with_name("clauses")

_GROUP_KEYS = ("group", "title", "clauses")
_CLAUSE_KEYS = ("id", "level", "title", "rule", "symptom", "source", "since", "evidence")
_ID = re.compile(r"([A-Z])([1-9]\d?)")
_LINES = r"\d+(-\d+)?(,\d+(-\d+)?)*"
_SOURCE = re.compile(rf"(metaflow|test)/[\w/]+\.py(:{_LINES})?")
RELEASE = re.compile(r"\d+\.\d+\.\d+")


def read_group(path: Path) -> Group:
    """The group of clauses in one file, checked.

    Raises:
        ContractError: the file is malformed, or an id is used twice or belongs elsewhere.
    """
    data = Entry(parse(path), path.name, _GROUP_KEYS)
    letter = data.text("group")
    if letter != path.stem:
        raise data.fault(f"'group' is '{letter}', and the name of the file says '{path.stem}'")
    clauses: dict[str, Clause] = {}
    for position, item in enumerate(data.items("clauses"), start=1):
        clause = _read_clause(item, f"{path.name}, clause {position}", letter)
        if clause.id in clauses:
            raise data.fault(f"the id {clause.id} is used twice")
        clauses[clause.id] = clause
    return Group(letter, data.text("title"), tuple(clauses.values()))


def _read_clause(item: object, where: str, letter: str) -> Clause:
    # Once the id is known, errors speak of it and not of the position.
    if isinstance(item, dict) and isinstance(item.get("id"), str):
        where = f"{where.split(',')[0]}, clause {item['id']}"
    data = Entry(item, where, _CLAUSE_KEYS)
    matched = _ID.fullmatch(data.text("id"))
    if matched is None or matched[1] != letter:
        raise data.fault(f"'id' must be {letter} and a number")
    source = data.texts("source")
    for place in source:
        if not _SOURCE.fullmatch(place):
            raise data.fault(f"'source' must hold path:lines from Metaflow's root, found '{place}'")
    since = data.maybe_text("since")
    if since is not None and not RELEASE.fullmatch(since):
        raise data.fault(f"'since' must be a release such as 2.12.9 or null, found '{since}'")
    return Clause(
        id=data.text("id"),
        level=data.choice("level", Level),
        title=data.text("title"),
        rule=data.text("rule"),
        symptom=data.maybe_text("symptom"),
        source=source,
        since=since,
        evidence=data.choice("evidence", Evidence),
    )


@cache
def letters() -> tuple[str, ...]:
    """The letters of the groups, in order.

    Raises:
        ContractError: there are none, so the installation is incomplete.
    """
    found = tuple(sorted(path.stem for path in CLAUSES.glob("?.yaml")))
    if not found:
        raise ContractError(
            "The contract's clauses are missing from this installation; "
            "reinstall metaflow-orchestrator-kit."
        )
    return found


@cache
def group(letter: str) -> Group:
    """The group of that letter; only its own file is read.

    Raises:
        UnknownClause: there is no such group.
        ContractError: its file is malformed.
    """
    if letter not in letters():
        raise UnknownClause(_no_such_group(letter))
    return read_group(CLAUSES / f"{letter}.yaml")


@cache
def load() -> Mapping[str, Clause]:
    """Every clause by its id, in the order of the contract.

    Raises:
        ContractError: a file is malformed.
    """
    return MappingProxyType(
        {clause.id: clause for letter in letters() for clause in group(letter).clauses}
    )


def clause(id: str) -> Clause:
    """The clause of that id, in upper or lower case.

    Raises:
        UnknownClause: there is none; the message says which ids there are.
        ContractError: the file of its group is malformed.
    """
    wanted = id.strip().upper()
    if not _ID.fullmatch(wanted):
        raise UnknownClause(
            f"'{id}' is not the id of a clause. An id is the letter of a group, "
            f"{letters()[0]} to {letters()[-1]}, and a number, such as A1."
        )
    if wanted[0] not in letters():
        raise UnknownClause(_no_such_group(wanted[0]))
    clauses = group(wanted[0]).clauses
    for found in clauses:
        if found.id == wanted:
            return found
    raise UnknownClause(
        f"There is no clause {wanted}. Group {wanted[0]} has {clauses[0].id} to {clauses[-1].id}."
    )


def _no_such_group(letter: str) -> str:
    return (
        f"There is no group '{letter}' in the contract. "
        f"The groups are {letters()[0]} to {letters()[-1]}."
    )
