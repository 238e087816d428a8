"""What is said of a scenario that could not be carried through, and what may be behind it."""

from __future__ import annotations

from metaflow_orchestrator_kit.compliance.expect import Words
from metaflow_orchestrator_kit.compliance.model import Failure, Observation
from metaflow_orchestrator_kit.compliance.words import is_bad

_REFUSED = ("connection refused", "connection attempts failed", "failed to establish a new conn")
"""What clients say of a scheduler that does not answer, in lower case."""

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
