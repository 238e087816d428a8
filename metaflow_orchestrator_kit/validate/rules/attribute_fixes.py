"""What makes the answer to the attribute file right again."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from metaflow_orchestrator_kit.validate import edits
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Edit, Fix
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.walking import walk


def fixed(analysis: Analysis, places: Sequence[Origin]) -> Fix | None:
    """The provider as Metaflow writes it, where the command's `obj` is at hand."""
    made = [edit for where in places if (edit := _edit(analysis, where)) is not None]
    return Fix(tuple(made), safe=False) if len(made) == len(places) else None


def _edit(analysis: Analysis, where: Origin) -> Edit | None:
    module = analysis.module(where.path)
    key = edits.node_at(module, where, ast.Constant) if module else None
    if module is None or not isinstance(key, ast.Constant) or key.value != "metadata":
        return None
    if "obj" not in edits.parameters_around(module, key):
        return None
    for node in walk(module.tree):
        if isinstance(node, ast.Dict) and key in node.keys:
            value = node.values[node.keys.index(key)]
            return edits.replacing(module, value, "obj.metadata.metadata_str()")
    return None
