"""Where the same fault stands several times: said once for each function.

A finding for all of them would change its words, and not go away, when one place is mended; one
for each line would bury the rest. What is mended together is a function, as a rule.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.walking import nodes_of


def by_function(analysis: Analysis, places: Iterable[Origin]) -> list[Origin]:
    """The first of *places* in each function; each of those that stand in none."""
    first: dict[tuple[str, int], Origin] = {}
    for place in sorted(set(places)):
        first.setdefault((place.path, _start(analysis, place)), place)
    return list(first.values())


def _start(analysis: Analysis, place: Origin) -> int:
    """Where the innermost function around *place* begins; its own line outside of any."""
    module = analysis.module(place.path)
    if module is None:
        return place.line
    nodes = nodes_of(module.tree)
    around = [
        function.lineno
        for kind in (ast.FunctionDef, ast.AsyncFunctionDef)
        for function in nodes.of(kind)
        if function.lineno <= place.line <= (function.end_lineno or function.lineno)
    ]
    return max(around, default=place.line)
