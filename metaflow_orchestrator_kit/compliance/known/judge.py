"""What the known failures make of the results. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from metaflow_orchestrator_kit.compliance.known.entries import KnownFailure
from metaflow_orchestrator_kit.compliance.verdict import Exit, Result, Verdict, exit_code

_FAILING = (Verdict.FAILED, Verdict.BLOCKED)
_HOLDING = (Verdict.PASSED, Verdict.REFUSED)


@dataclass(frozen=True, slots=True)
class Judged:
    """The results with the known failures told apart."""

    results: list[Result]
    problems: list[str]
    """Where file and results differ, a line each; every one of them is red."""

    @property
    def exit_code(self) -> Exit:
        """That of the results, but never a pass while the file is not true."""
        code = exit_code(self.results)
        return Exit.FAILED if code is Exit.PASSED and self.problems else code


def judge(results: Sequence[Result], entries: Sequence[KnownFailure]) -> Judged:
    """Compare what failed with what is known to fail.

    A case that fails as listed becomes ``known-failure``, one that passes ``fixed``. The kit's
    own errors are nobody's known failures. What was not asked for is not judged.
    """
    listed = {entry.case: entry for entry in entries}
    judged: list[Result] = []
    problems: list[str] = []
    for result in results:
        one, problem = _judge(result, listed.pop(result.case, None))
        judged.append(one)
        problems += [problem] if problem else []
    problems += [
        f"{entry.place}: '{entry.case}' matches nothing: there is no such case"
        for entry in listed.values()
    ]
    return Judged(judged, problems)


def _judge(result: Result, entry: KnownFailure | None) -> tuple[Result, str]:
    if not result.selected:
        return result, ""
    if entry is None:
        new = result.verdict is Verdict.FAILED
        return result, f"'{result.case}' fails and is not listed" if new else ""
    where = f"{entry.place}: '{entry.case}'"
    if result.verdict in _FAILING and entry.covers(result.message):
        known = f"{result.message}\nknown       {entry.reason} ({entry.place})".strip()
        return replace(result, verdict=Verdict.KNOWN_FAILURE, message=known), ""
    if result.verdict in _FAILING:
        return result, f"{where} fails with another message than '{entry.message}'"
    if result.verdict in _HOLDING:
        text = f"It holds, but {entry.place} lists it as failing: take that entry out."
        return (
            replace(result, verdict=Verdict.FIXED, message=text),
            f"{where} does not fail any more: take the entry out",
        )
    return result, f"{where} did not run: {result.verdict.value}"
