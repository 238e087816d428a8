"""A parameter of a flow, and its values as Metaflow's `init` takes them.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


def keyword(name: str) -> str:
    """What Metaflow's command line makes of the name of a parameter."""
    return name.replace("-", "_").lower()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the flow (clauses B11, D6).

    Attributes:
        name: its name on the command line.
        variable: its attribute name in the flow class.
        type: `str`, `int`, `float`, `bool`, `JSON` or `FilePath`.
        description: its help text.
        required: whether a run without a value is refused.
        default: the value at deploy time as `init` takes it; None for no value.
        is_text: for a file, whether it is read as text.
        encoding: for a file, how its text is encoded.
    """

    name: str
    variable: str
    type: str = "str"
    description: str = ""
    required: bool = False
    default: str | None = None
    is_text: bool = True
    encoding: str = "utf-8"

    @property
    def keyword(self) -> str:
        """Its name as a Python keyword of `trigger`, and in the command's values (clause C7)."""
        return keyword(self.name)


def encode(value: Any, type_name: str = "str") -> str | None:
    """A parameter's value as `init` takes it on the command line (clause E6).

    None means that the parameter is left out. Booleans are `true` and `false`; JSON is one level
    of JSON text; everything else is its own text.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if type_name == "JSON" or isinstance(value, dict | list):
        return value if isinstance(value, str) else json.dumps(value)
    return str(value)
