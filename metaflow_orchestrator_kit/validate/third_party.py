"""Rules that other distributions bring: an entry point of a group of its own for each.

A company that has conventions of its own, or an engine whose SDK has traps, writes rules as the
kit's are written, and registers them::

    [project.entry-points."metaflow_orchestrator_kit.rules"]
    acme = "acme_rules:RULES"

The object is a rule, or a list of rules. What cannot be used is a finding, not silence: whoever
installed the rules believes that they are asked.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from metaflow_orchestrator_kit.validate.findings import (
    Confidence,
    Finding,
    Outcome,
    Severity,
    Verdict,
)
from metaflow_orchestrator_kit.validate.records import record, regex
from metaflow_orchestrator_kit.validate.rules.base import Rule

GROUP = "metaflow_orchestrator_kit.rules"
_CODE = regex(r"(?!MOK)[A-Z]{2,10}\d{3}")
_NAME = regex(r"[a-z]+(-[a-z]+)+")
_FIX = (
    "Repair or uninstall the distribution that brings the rules; --ignore RULES-BROKEN lets it be."
)


class RuleBroken(Rule):
    """Rules that another distribution brings could not be asked.

    They cannot be imported, have a code or name that is taken, or ended with an exception: what
    they would have found is not in the report. Repair them, or uninstall their distribution.
    """

    code = "MOK013"
    name = "rules-broken"
    clauses = ()
    severity = Severity.ERROR


@record()
class Brought:
    """The rules that were found installed, and what is wrong with the others."""

    rules: tuple[type[Rule], ...] = ()
    problems: tuple[str, ...] = ()


@cache
def installed() -> Brought:
    """What the installed distributions bring."""
    if not any(_registers(folder) for folder in sys.path):
        return Brought()
    # Slow to import, and needed only now.
    from importlib.metadata import entry_points

    from metaflow_orchestrator_kit.validate.rules import all_rules
    from metaflow_orchestrator_kit.validate.suppressions import RULES

    objects: dict[str, object] = {}
    problems: list[str] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda e: (e.name, e.value)):
        try:
            objects[f"'{entry.name}' ({entry.value})"] = entry.load()
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            problems.append(f"the rules '{entry.name}' ({entry.value}) cannot be loaded: {said}")
    found = accepted(objects, [*all_rules(), *RULES, RuleBroken])
    return Brought(found.rules, (*problems, *found.problems))


def accepted(objects: Mapping[str, object], own: Iterable[type[Rule]]) -> Brought:
    """Of what entry points lead to, by what they are called, the rules that can be asked."""
    taken: dict[str, str] = {}
    for rule in own:
        taken.update({rule.code: "the kit", rule.name: "the kit"})
    rules: list[type[Rule]] = []
    problems: list[str] = []
    for origin, given in objects.items():
        for candidate in given if isinstance(given, list | tuple) else [given]:
            wrong = _wrong(candidate, taken)
            if wrong:
                problems.append(f"{_called(candidate)} of the rules {origin} {wrong}")
            elif isinstance(candidate, type) and issubclass(candidate, Rule):
                taken.update({candidate.code: origin, candidate.name: origin})
                rules.append(candidate)
    return Brought(tuple(rules), tuple(problems))


def _wrong(rule: object, taken: Mapping[str, str]) -> str | None:
    from metaflow_orchestrator_kit.contract import load

    if not (isinstance(rule, type) and issubclass(rule, Rule)):
        return "is no Rule"
    for attribute in ("code", "name"):
        value = getattr(rule, attribute, None)
        pattern = _CODE if attribute == "code" else _NAME
        if not isinstance(value, str) or not pattern.fullmatch(value):
            form = "ABC123, and not MOK" if attribute == "code" else "the-fault-it-finds"
            return f"has the {attribute} {value!r}; the form is {form}"
        if value in taken:
            return f"has the {attribute} '{value}', which {taken[value]} has already"
    if not (rule.__doc__ or "").strip():
        return "has no docstring, so --explain has nothing to say"
    unknown = [c for c in getattr(rule, "clauses", ("none",)) if c not in load()]
    return f"names the clause '{unknown[0]}', which does not exist" if unknown else None


def _called(rule: object) -> str:
    return rule.__name__ if isinstance(rule, type) else repr(rule)[:60]


def _registers(folder: str) -> bool:
    """Whether a distribution in that folder has entry points of the group."""
    try:
        with os.scandir(folder or ".") as found:
            kept = [e.path for e in found if e.name.endswith((".dist-info", ".egg-info"))]
    except OSError:
        return False
    return any(GROUP.encode() in _entry_points(path) for path in kept)


def _entry_points(path: str) -> bytes:
    try:
        with open(f"{path}/entry_points.txt", "rb") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return b""


def is_third_party(rule: type[Rule]) -> bool:
    """Whether a rule comes from another distribution."""
    return not rule.code.startswith("MOK")


def outcomes(problems: Sequence[str], asked: Sequence[Outcome]) -> Iterator[Outcome]:
    """One failed outcome for everything that kept rules of others from being asked."""
    said = [*problems, *(o.unsure[0].text for o in asked if _crashed(o))]
    if said:
        yield Outcome(
            RuleBroken.code, RuleBroken.name, RuleBroken.clauses, Verdict.FAIL,
            tuple(_finding(text) for text in said),
        )  # fmt: skip


def _crashed(outcome: Outcome) -> bool:
    crashed = bool(outcome.unsure) and outcome.unsure[0].text.startswith(CRASHED)
    return crashed and not outcome.code.startswith("MOK")


#: How the note of a rule that ended with an exception begins.
CRASHED = "the rule itself failed"


def _finding(text: str) -> Finding:
    return Finding(
        RuleBroken.code, RuleBroken.name, RuleBroken.clauses, RuleBroken.severity,
        Confidence.HIGH, ".", 1, 1, 1, text, _FIX.replace("RULES-BROKEN", RuleBroken.name),
    )  # fmt: skip
