"""Takes secrets out of what is kept and passed around: options, variables, addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

MASK = "***"

_SECRET = re.compile(r"pass|secret|token|key|credential", re.IGNORECASE)
_PASSWORD_OF_URL = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]+@")


def masked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, without those that look like secrets by their names."""
    return {name: MASK if _SECRET.search(name) else value for name, value in values.items()}


def masked_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Environment variables, without secrets and without the passwords of addresses."""
    return {name: _without_password(value) for name, value in masked(variables).items()}


def masked_command(words: Sequence[str]) -> list[str]:
    """The words of a command, without the values of options that look like secrets."""
    shown: list[str] = []
    secret = False
    for word in words:
        option, equals, _ = word.partition("=")
        if secret and not word.startswith("--"):
            shown.append(MASK)
        elif equals and _is_secret_option(option):
            shown.append(f"{option}={MASK}")
        else:
            shown.append(_without_password(word))
        secret = _is_secret_option(word)
    return shown


def _is_secret_option(word: str) -> bool:
    return word.startswith("--") and "=" not in word and bool(_SECRET.search(word))


def _without_password(text: str) -> str:
    return _PASSWORD_OF_URL.sub(rf"\1:{MASK}@", text)
