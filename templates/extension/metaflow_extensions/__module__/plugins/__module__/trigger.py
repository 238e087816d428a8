"""The values of `trigger`, as `init` takes them (clauses C7, E6).

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metaflow.includefile import IncludedFile
from metaflow.parameters import DelayedEvaluationParameter

from .parameters import encode
from .plan import Plan


def given_values(plan: Plan, options: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that were given, by their real names.

    Args:
        plan: the deployed plan.
        options: what the command line delivered: keys in lower case, `_` for `-`.

    Raises:
        ValueError: a parameter has no value, given or stored, although it is required.
    """
    given: dict[str, str] = {}
    for parameter in plan.parameters:
        value = encode(_evaluated(options.get(parameter.keyword)), parameter.type)
        if value is not None:
            given[parameter.name] = value
        elif parameter.required and parameter.default is None:
            raise ValueError(
                f"Parameter '{parameter.name}' is required and has no default: "
                f"give it a value, as in trigger({parameter.keyword}=...)."
            )
    return given


def _evaluated(value: Any) -> Any:
    if isinstance(value, DelayedEvaluationParameter):
        return value(return_str=True)
    if isinstance(value, IncludedFile):
        return value.descriptor
    return value
