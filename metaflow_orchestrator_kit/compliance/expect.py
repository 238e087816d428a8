"""How a case says what it wants; what it says when it does not get it."""

from __future__ import annotations

import contextlib
import pprint
import textwrap
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from metaflow_orchestrator_kit.contract import UnknownClause, clause


class ExpectationFailed(AssertionError):
    """The scheduler did not do what a case promises; the text says all there is to say."""


class Blocked(Exception):
    """A case cannot be judged, because something that it needs has failed before."""


class Words(str):
    """A description rather than a value: shown without quotes."""

    __slots__ = ()


def _show(value: Any) -> str:
    bare = isinstance(value, Words) or (isinstance(value, str) and "\n" in value)
    text = value if bare else pprint.pformat(value, width=72)
    # The end of a long text, such as a traceback, says more than its middle.
    return text if len(text) <= 2000 else f"{text[:700]} …\n… {text[-1300:]}"


def _block(title: str, text: str) -> list[str]:
    lines = text.splitlines() or [""]
    if len(lines) == 1:
        return [f"{title:<12}{lines[0]}"]
    return [f"{title}", *(f"    {line}" for line in lines)]


def _pitfall(clauses: Sequence[str]) -> list[str]:
    """What comes of the fault elsewhere: the symptom of the first clause that has one."""
    for name in clauses:
        with contextlib.suppress(UnknownClause):
            if symptom := clause(name).symptom:
                return ["pitfall", *(f"    {line}" for line in textwrap.wrap(symptom, 74))]
    return []


@dataclass(slots=True)
class Expect:
    """The expectations of one case; the first that does not hold ends it.

    Every method takes ``what`` (what is looked at, as a noun phrase) and ``likely`` (the
    likely causes in the extension, most likely first).
    """

    case: str
    promise: str
    clauses: tuple[str, ...]
    evidence: str = ""
    rerun: str = ""
    lay_out: Callable[[], Sequence[str]] | None = None
    """Writes the evidence, once there is a failure to look into; the names of its files."""
    checked: int = field(default=0)

    def equal(self, what: str, *, expected: Any, observed: Any, likely: Sequence[str] = ()) -> None:
        """The two values are equal."""
        self.checked += 1
        if expected != observed:
            self.fail(what, expected=expected, observed=observed, likely=likely)

    def true(
        self,
        what: str,
        condition: bool,
        *,
        expected: Any = True,
        observed: Any = False,
        likely: Sequence[str] = (),
    ) -> None:
        """The condition holds; ``expected`` and ``observed`` put it in words."""
        self.checked += 1
        if not condition:
            self.fail(what, expected=expected, observed=observed, likely=likely)

    def contains(
        self,
        what: str,
        *,
        expected: Any,
        observed: Collection[Any] | None,
        likely: Sequence[str] = (),
    ) -> None:
        """``expected`` is in the collection or text ``observed``."""
        self.checked += 1
        if observed is None or expected not in observed:
            self.fail(what, expected=f"contains {expected!r}", observed=observed, likely=likely)

    def at_most(
        self, what: str, *, limit: float, observed: float | None, likely: Sequence[str] = ()
    ) -> None:
        """``observed`` is a number, and not above the limit."""
        self.checked += 1
        if observed is None or observed > limit:
            self.fail(what, expected=f"at most {limit:g}", observed=observed, likely=likely)

    def fail(
        self, what: str, *, expected: Any, observed: Any, likely: Sequence[str] = ()
    ) -> NoReturn:
        """End the case.

        Raises:
            ExpectationFailed: always; the text has promise, clauses, expected, observed,
                likely causes, evidence and the command that runs this case again.
        """
        raise ExpectationFailed("\n".join(self._lines(what, expected, observed, likely)))

    def _lines(self, what: str, expected: Any, observed: Any, likely: Sequence[str]) -> list[str]:
        lines = [self.promise, ""]
        lines += _block("looked at", what)
        lines += _block("expected", _show(expected))
        lines += _block("observed", _show(observed))
        if likely:
            lines += ["likely", *(f"    {n}. {cause}" for n, cause in enumerate(likely, 1))]
        lines += _block("contract", ", ".join(f"clause {clause}" for clause in self.clauses))
        lines += _pitfall(self.clauses)
        if self.evidence:
            files = "" if self.lay_out is None else ", ".join(self.lay_out())
            lines += _block("evidence", "\n".join(filter(None, (self.evidence, files))))
        if self.rerun:
            lines += _block("again", self.rerun)
        return lines
