"""The parameters of a flow in a :class:`Plan`, with their values at deploy time.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metaflow.includefile import FilePathClass
from metaflow.parameters import JSONType, deploy_time_eval

from .parameters import Parameter, encode


def parameters_of(flow: Any) -> Iterable[Parameter]:
    """The parameters of a flow in the order of their definition; configs are none (clause D6)."""
    for variable, parameter in flow._get_parameters():
        if not parameter.IS_CONFIG_PARAMETER:
            yield _parameter(variable, parameter)


def _parameter(variable: str, parameter: Any) -> Parameter:
    kind = parameter.kwargs.get("type")
    file_kind = isinstance(kind, FilePathClass)
    if file_kind or kind is JSONType or isinstance(kind, type(JSONType)):
        type_name = str(kind.name)
    else:
        type_name = kind.__name__ if isinstance(kind, type) else "str"
    return Parameter(
        name=parameter.name,
        variable=variable,
        type=type_name,
        description=parameter.kwargs.get("help") or "",
        required=bool(parameter.kwargs.get("required", False)),
        # Evaluated now: at run time `init` would replace a function by None (clause D6).
        default=encode(deploy_time_eval(parameter.kwargs.get("default")), type_name),
        is_text=getattr(kind, "_is_text", True) if file_kind else True,
        encoding=(getattr(kind, "_encoding", None) or "utf-8") if file_kind else "utf-8",
    )
