"""What an extension says about its support of a capability, beside the plain yes or no.

``SUPPORTED_CAPABILITIES`` has the names of what is supported. ``CAPABILITY_NOTES``, a dictionary
beside it, may say more about some, in plain text, because a task must not need the kit (A6)::

    CAPABILITY_NOTES = {
        "SCHEDULE": "since 1.4",
        "RESUME": "not yet: https://example.org/issues/12",
        "CONDA": "impossible: the workers have no network",
    }
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from metaflow_orchestrator_kit.capabilities import Cap

NAME = "CAPABILITY_NOTES"

UNREACHABLE = "UNREACHABLE"
"""The dictionary of settings under which the scheduler cannot be reached: variables of the
environment, whose names are in capital letters, and deploy arguments."""

_HOLDS = (re.compile(r"full\Z"), re.compile(r"since \S+"))
_HOLDS_NOT = (re.compile(r"not yet: https?://\S+"), re.compile(r"impossible: .*\w"))

FORMS = "'full', 'since VERSION', 'not yet: LINK', 'impossible: REASON'"


def problems(notes: object, supported: Collection[str]) -> dict[str, str]:
    """What is wrong with the notes, by the name that it is about; ``""`` for the whole."""
    if not isinstance(notes, Mapping):
        return {"": f"{NAME} must be a dictionary from names of capabilities to text"}
    found = {}
    for name, text in notes.items():
        problem = _problem(str(name), text, str(name) in supported)
        if problem:
            found[str(name)] = problem
    return found


def unreachable_problem(found: object) -> str:
    """What is wrong with the settings that cut the scheduler off; empty for nothing."""
    words = [word for pair in found.items() for word in pair] if isinstance(found, Mapping) else []
    if words and all(isinstance(word, str) and word for word in words):
        return ""
    return f"{UNREACHABLE} must be a dictionary from names of settings to text, and not empty"


def _problem(name: str, text: Any, supported: bool) -> str:
    known = [cap.name for cap in Cap]
    if name not in known:
        import difflib  # Slow to import, and nearly never needed.

        close = difflib.get_close_matches(name, known, n=1)
        return f"there is no capability `{name}`" + (f"; is it {close[0]}?" if close else "")
    if not isinstance(text, str):
        return f"the note on `{name}` must be text: {FORMS}"
    holds = any(form.match(text) for form in _HOLDS)
    if not holds and not any(form.match(text) for form in _HOLDS_NOT):
        return f"the note on `{name}` is '{text}', and must be one of {FORMS}"
    if holds and not supported:
        return f"the note on `{name}` says that it is supported, and SUPPORTED_CAPABILITIES not"
    if supported and not holds:
        return f"`{name}` is in SUPPORTED_CAPABILITIES, and its note says '{text}'"
    return ""
