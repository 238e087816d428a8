"""The name of an extension: what is allowed, and everything that is derived from it.

One name appears as the ``TYPE`` of the deployer, the command group, the Python package, class
names, environment variables and the distribution (clause A5), so it has to be valid as each.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from metaflow_orchestrator_kit.scaffold.reserved import RESERVED

#: Schedulers put the name into labels, which hold 63 characters on Kubernetes; what is left
#: is for the longest suffix that a scheduler or an engine adds to it.
LABEL_LIMIT = 63
SUFFIX_ROOM = 23
MAX_LENGTH = LABEL_LIMIT - SUFFIX_ROOM

_VALID = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_FALLBACK = "my-scheduler"


class NameProblem(ValueError):
    """A name that an extension cannot have.

    The text says what is wrong with it; :attr:`suggestion` is a name that is valid.
    """

    def __init__(self, text: str, why: str) -> None:
        self.suggestion = suggest(text)
        super().__init__(
            f"{_quoted(text)} cannot be the name of an extension: {why}.\n"
            f"A name that works: {self.suggestion}"
        )


@dataclass(frozen=True, slots=True)
class Names:
    """Everything that is called after the scheduler.

    Build it with :func:`parse`, which is where the name is checked.
    """

    type: str
    """As given: the ``TYPE`` of the deployer and the command group, ``my-scheduler``."""

    @property
    def module(self) -> str:
        """The package, and the method that Metaflow gives to ``Deployer``: ``my_scheduler``."""
        return self.type.replace("-", "_")

    @property
    def package(self) -> str:
        """Where the extension's modules are: ``metaflow_extensions.my_scheduler.plugins....``."""
        return f"metaflow_extensions.{self.module}.plugins.{self.module}"

    @property
    def class_prefix(self) -> str:
        """What class names begin with: ``MyScheduler``."""
        return "".join(part.capitalize() for part in self.module.split("_"))

    @property
    def title(self) -> str:
        """For prose: ``My Scheduler``."""
        return " ".join(part.capitalize() for part in self.module.split("_"))

    @property
    def env_prefix(self) -> str:
        """What environment variables begin with: ``MY_SCHEDULER``."""
        return self.module.upper()

    @property
    def distribution(self) -> str:
        """What ``pip`` calls the extension: ``metaflow-my-scheduler``."""
        return "metaflow-" + self.type.replace("_", "-")


def parse(text: str) -> Names:
    """The names derived from what the user typed.

    Raises:
        NameProblem: it cannot be the name of an extension; says why, and suggests one that can.
    """
    if why := _problem(text):
        raise NameProblem(text, why)
    return Names(type=text)


def suggest(text: str) -> str:
    """A valid name that is close to ``text``; ``text`` itself when it is valid."""
    if _problem(text) is None:
        return text
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    # CamelCase keeps its words.
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", plain)
    plain = re.sub(r"[^a-z0-9_]+", "-", plain.lower())
    plain = re.sub(r"[-_]*-[-_]*", "-", plain)
    plain = re.sub(r"_+", "_", plain)[: MAX_LENGTH - len("my-")].strip("-_")
    separator = "_" if "_" in plain and "-" not in plain else "-"
    for candidate in (plain, f"my{separator}{plain}"):
        if _problem(candidate) is None:
            return candidate
    return _FALLBACK


def _problem(text: str) -> str | None:
    """What is wrong with a name, as a clause without a full stop; None when nothing is."""
    if not text.strip():
        return "it is empty"
    if "/" in text or "\\" in text or text in {".", ".."}:
        return "it is a path; the folder to write to is the second argument"
    if not text.isascii():
        return f"{_quoted(_first(text, lambda c: not c.isascii()))} is not an ASCII character"
    if text != text.lower():
        return "it has upper-case letters, and command groups are written in lower case"
    if odd := _first(text, lambda c: not (c.isalnum() or c in "-_")):
        return f"{_quoted(odd)} is not a letter, a digit, '-' or '_'"
    if not text[0].isalpha():
        return "it has to begin with a letter, because it becomes a Python module"
    if not _VALID.fullmatch(text):
        return "'-' and '_' have to stand alone, between letters or digits"
    if len(text) > MAX_LENGTH:
        return (
            f"it has {len(text)} characters; {MAX_LENGTH} is the limit, because schedulers put "
            f"it, with a suffix, into labels of {LABEL_LIMIT}"
        )
    module = text.replace("-", "_")
    if keyword.iskeyword(module):
        return "it is a Python keyword, and would be the name of a module and of a method"
    return RESERVED.get(module)


def _first(text: str, odd: Callable[[str], bool]) -> str:
    return next(filter(odd, text), "")


def _quoted(text: str) -> str:
    """A name for a message: on one line, control characters escaped, cut when it is long."""
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:56]}...{shown[-1]}"
