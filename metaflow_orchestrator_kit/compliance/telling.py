"""What is said of a scenario that could not be carried through, and what may be behind it."""

from __future__ import annotations

import re

from metaflow_orchestrator_kit.compliance.expect import Words
from metaflow_orchestrator_kit.compliance.model import Failure, Observation
from metaflow_orchestrator_kit.compliance.words import is_bad

_REFUSED = ("connection refused", "connection attempts failed", "failed to establish a new conn")
"""What clients say of a scheduler that does not answer, in lower case."""

_TRACEBACK = "Traceback (most recent call last):"

_OWN = re.compile(r"\w*[xX][0-9a-f]{8}\w*")
"""The name of a scenario's flow, or of its deployment."""

_SLOW = {"GaveUp": ["the scheduler or the machine is slow: --timeout SECONDS gives more time"]}
"""What to think of first, by the type of an error."""


def likely_causes(error: Failure, seen: Observation) -> list[str]:
    """What may have gone wrong, most likely first; where to look is the last of it."""
    return [
        *_SLOW.get(error.type, ()),
        *_unreachable(error, seen),
        *_unseen(error, seen),
        f"see output.log in the evidence; the phase was '{error.phase}'",
    ]


def told(seen: Observation) -> Words:
    """The error of a scenario, with the last of what the commands printed where it matters."""
    assert seen.error is not None
    text = f"{seen.error.type}: {seen.error.message}".strip()
    if seen.error.phase in ("deploy", "trigger", "from_deployment") and seen.output.strip():
        last = "\n".join(seen.output.strip().splitlines()[-12:])
        if last not in text:
            text += f"\n{last}"
    return Words(text)


def end_of(seen: Observation) -> tuple[str, ...]:
    """What the error of a scenario ends with: where it was raised, if it says so, and the words.

    Whatever names this scenario is left out, so that another flow with the same end has met the
    same fault. Empty where the end says nothing, as when the time was over.
    """
    if seen.error is None or seen.error.type in _SLOW:
        return ()
    said = f"{seen.error.message}\n{seen.output}"
    before, head, trace = said.rpartition(_TRACEBACK)
    margin = before.rpartition("\n")[2]
    lines = [line.removeprefix(margin) for line in trace.splitlines()]
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    if head and frames:
        error = next((line for line in lines[frames[-1] + 1 :] if not line.startswith(" ")), "")
        end = [*(lines[number] for number in frames[-3:]), error]
    else:
        words = [line.strip() for line in seen.error.message.splitlines() if line.strip()]
        end = [seen.error.type, *words[-2:]]
    return tuple(_OWN.sub("", line.replace(seen.evidence, "")) for line in end)


def _unseen(error: Failure, seen: Observation) -> list[str]:
    """What a run was lacking that Metaflow's client does not find, although it failed."""
    if error.phase != "read" or not is_bad(seen.final_status):
        return []
    return [
        f"the run ended as {seen.final_status} before Metaflow had seen it: init failed, or its "
        "tasks reach another datastore or metadata service than the one of the deployer"
    ]


def _unreachable(error: Failure, seen: Observation) -> list[str]:
    """That the scheduler may not run, where a connection was refused to a command."""
    said = f"{error.message}\n{seen.output}".lower()
    if error.phase not in ("deploy", "trigger") or not any(words in said for words in _REFUSED):
        return []
    return ["the scheduler is not running, or not at the address that the extension asks"]
