"""Variables of the shell scripts that an extension writes, and what they are set to."""

from __future__ import annotations

import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.syntax import index

_VARIABLE = regex(r"[\"']?\$\{?(\w+)\}?[\"']?")
_NUMBER = regex(r"[\"']?\d+[\"']?")


def is_set_to_number(analysis: Analysis, word: str | None) -> bool:
    """Whether *word* is ``$X`` of a variable that only ever holds a number written down."""
    variable = _VARIABLE.fullmatch(word or "")
    if variable is None:
        return False
    assigned = re.compile(rf"^[ \t]*(?:export |local )?{variable[1]}=(.*)$", re.M)
    changed = re.compile(rf"\b(?:read|for|let)\b[^\n;]*\b{variable[1]}\b|\b{variable[1]}\+[+=]")
    texts = [n.value for _, n in index(analysis).strings if isinstance(n.value, str)]
    given = [value.strip() for text in texts for value in assigned.findall(text)]
    if any(changed.search(text) for text in texts if variable[1] in text):
        return False
    return bool(given) and all(_NUMBER.fullmatch(value) for value in given)
