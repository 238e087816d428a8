"""The facts beside the clauses: command templates, attempt arithmetic, releases."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from metaflow_orchestrator_kit.contract.loader import RELEASE
from metaflow_orchestrator_kit.contract.reading import Entry, parse

APPENDICES = Path(__file__).with_name("appendices")


@dataclass(frozen=True, slots=True)
class Command:
    """The command line for one situation of a run."""

    situation: str
    command: str
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Commands:
    """All command lines, and the abbreviations that they share."""

    letters: tuple[tuple[str, str], ...]
    """What each abbreviation stands for, in the order of use."""
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Retries:
    """What one decorator adds to the attempts of its step."""

    decorator: str
    user: str
    error: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens in the attempts of one range."""

    attempt: str
    user_code: str
    timeout: str
    exception: str
    exception_with_catch: str
    process_dies: str


@dataclass(frozen=True, slots=True)
class Attempts:
    """How many attempts a step has, and what each one does."""

    maximum: int
    retries: tuple[Retries, ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a release of Metaflow brought and that clauses rest on."""

    release: str
    what: str
    clauses: tuple[str, ...]

    @property
    def order(self) -> tuple[int, ...]:
        """The release as numbers, to compare."""
        return tuple(int(part) for part in self.release.split("."))


@cache
def commands() -> Commands:
    """The command lines of a run.

    Raises:
        ContractError: the file is malformed.
    """
    data = _open("commands", "letters", "commands")
    where = "commands.yaml"
    letters = [Entry(item, where, ("letter", "means")) for item in data.items("letters")]
    entries = [
        Entry(item, where, ("situation", "command", "clauses")) for item in data.items("commands")
    ]
    return Commands(
        letters=tuple((entry.text("letter"), entry.text("means")) for entry in letters),
        commands=tuple(
            Command(entry.text("situation"), entry.text("command"), entry.texts("clauses"))
            for entry in entries
        ),
    )


@cache
def attempts() -> Attempts:
    """The arithmetic of attempts.

    Raises:
        ContractError: the file is malformed.
    """
    data = _open("attempts", "maximum", "retries", "outcomes")
    where = "attempts.yaml"
    added = [Entry(item, where, ("decorator", "user", "error")) for item in data.items("retries")]
    keys = ("attempt", "user_code", "timeout", "exception", "exception_with_catch", "process_dies")
    outcomes = [Entry(item, where, keys) for item in data.items("outcomes")]
    return Attempts(
        maximum=data.number("maximum"),
        retries=tuple(
            Retries(entry.text("decorator"), entry.text("user"), entry.text("error"))
            for entry in added
        ),
        outcomes=tuple(Outcome(*(entry.text(key) for key in keys)) for entry in outcomes),
    )


@cache
def changes() -> tuple[Change, ...]:
    """What Metaflow's releases changed in the contract, oldest first.

    Raises:
        ContractError: the file is malformed, or not in the order of the releases.
    """
    data = _open("releases", "releases")
    found: list[Change] = []
    for item in data.items("releases"):
        entry = Entry(item, "releases.yaml", ("release", "what", "clauses"))
        change = Change(entry.text("release"), entry.text("what"), entry.texts("clauses"))
        if not RELEASE.fullmatch(change.release):
            raise entry.fault(f"'{change.release}' is not a release such as 2.12.9")
        if found and change.order < found[-1].order:
            raise entry.fault(f"{change.release} stands after {found[-1].release}")
        found.append(change)
    return tuple(found)


def _open(name: str, *keys: str) -> Entry:
    path = APPENDICES / f"{name}.yaml"
    return Entry(parse(path), path.name, keys)
