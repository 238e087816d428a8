"""Which rules and cases check which clauses, and which binding clauses nothing checks yet."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, cast

from metaflow_orchestrator_kit.contract.loader import load
from metaflow_orchestrator_kit.contract.model import ContractError
from metaflow_orchestrator_kit.contract.reading import Entry, parse

NOT_CHECKED_YET = Path(__file__).with_name("not_checked_yet.yaml")

RULES = "metaflow_orchestrator_kit.validate.rules"
CASES = "metaflow_orchestrator_kit.compliance.cases"


class _Rule(Protocol):
    code: str
    name: str
    clauses: tuple[str, ...]


class _Case(Protocol):
    id: str
    clauses: tuple[str, ...]


class Kind(Enum):
    """What a check looks at: the code of an extension, or a running scheduler."""

    RULE = "rule"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class Check:
    """A rule of the validator or a case of the compliance suite, and the clauses it cites."""

    kind: Kind
    label: str
    clauses: tuple[str, ...]


def rules() -> tuple[Check, ...] | None:
    """The rules of the validator, or None where this installation has no rules."""
    found = _all(RULES, "all_rules")
    if found is None:
        return None
    typed = cast("Iterable[_Rule]", found)
    return tuple(Check(Kind.RULE, f"{rule.code} {rule.name}", rule.clauses) for rule in typed)


def cases() -> tuple[Check, ...] | None:
    """The cases of the compliance suite, or None where this installation has no cases."""
    found = _all(CASES, "all_cases")
    if found is None:
        return None
    typed = cast("Iterable[_Case]", found)
    return tuple(Check(Kind.CASE, case.id, case.clauses) for case in typed)


def checked_by() -> Mapping[str, tuple[Check, ...]]:
    """For every clause the rules, then the cases, that cite it.

    Raises:
        ContractError: a rule or case cites a clause that does not exist.
    """
    found: dict[str, list[Check]] = {id: [] for id in load()}
    for check in (*(rules() or ()), *(cases() or ())):
        for id in check.clauses:
            if id not in found:
                raise ContractError(
                    f"The {check.kind.value} '{check.label}' cites clause {id}, "
                    "which the contract does not have."
                )
            found[id].append(check)
    return MappingProxyType({id: tuple(checks) for id, checks in found.items()})


def unchecked() -> tuple[str, ...]:
    """The binding clauses (MUST, MUST NOT) that no rule and no case cites."""
    checks = checked_by()
    return tuple(id for id, clause in load().items() if clause.level.binding and not checks[id])


def not_checked_yet() -> Mapping[str, str]:
    """The clauses that are known to be unchecked, each with the reason.

    Raises:
        ContractError: the list is malformed, or names a clause that is not binding.
    """
    known = load()
    data = Entry(parse(NOT_CHECKED_YET), NOT_CHECKED_YET.name, ("clauses",))
    reasons: dict[str, str] = {}
    for item in data.items("clauses"):
        entry = Entry(item, NOT_CHECKED_YET.name, ("id", "reason"))
        id = entry.text("id")
        if id not in known or not known[id].level.binding:
            raise entry.fault(f"'{id}' is not the id of a MUST or MUST NOT clause")
        if id in reasons:
            raise entry.fault(f"{id} is listed twice")
        reasons[id] = entry.text("reason")
    return MappingProxyType(reasons)


def _all(module: str, function: str) -> Iterable[object] | None:
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        # A module that is there and misses one of its own imports is a fault, not an absence.
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        return None
    listing = getattr(found, function, None)
    return None if listing is None else cast("Callable[[], Iterable[object]]", listing)()


_ID = r"[A-Z]\d{1,2}"
# What may stand between two ids of one citation; it may be broken over lines, also in comments.
_BETWEEN = r"(?:[\s#]*(?:,|;|/|–|-|\band\b|\bor\b|\bto\b)[\s#]*)+"
_IN_PROSE = re.compile(rf"\b[Cc]lauses?[\s#]+(?=(?P<ids>{_ID}\b(?:{_BETWEEN}{_ID}\b)*))")
# ``clauses=("A1", "B2")`` in Python, ``clauses: [A1, B2]`` in YAML, ``"clause": "A1"`` in JSON.
_IN_CODE = re.compile(
    rf"\bclauses?[\"']?(?:: [\w\[\], .]+)?\s*[=:]\s*[(\[]?\s*"
    rf"(?=(?P<ids>[\"']?{_ID}\b[\"']?(?:\s*,\s*[\"']?{_ID}\b[\"']?)*))"
)
_AS_LINK = re.compile(r"contract\.md#(?P<ids>[a-z]\d{1,2})\b")


def citations(text: str) -> Iterator[tuple[int, str]]:
    """The clause ids that a text cites, each with its line, in prose or in code.

    ``clause A1``, ``clauses A1, B2 and C3``, ``clauses=("A1", "B2")``, ``clauses: [A1]`` and
    ``contract.md#a1`` are citations.
    """
    for pattern in (_IN_PROSE, _IN_CODE, _AS_LINK):
        for found in pattern.finditer(text):
            for id in re.finditer(_ID, found["ids"].upper()):
                position = found.start("ids") + id.start()
                yield text.count("\n", 0, position) + 1, id.group()
