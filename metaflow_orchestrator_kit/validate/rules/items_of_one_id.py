"""Calls that start the items of a foreach, all of them under one id."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.walking import walk

_ID = regex(r"(?i)^(?:\w*_)?task_?id$")
_INDEX = "split_index"


def one_id_for_all(analysis: Analysis) -> Iterator[tuple[Program, ast.Call]]:
    """Calls with a `split_index` of their own, and a task id that is the same for all."""
    for program in programs(analysis):
        for call in program.nodes(ast.Call):
            index = next((k.value for k in call.keywords if k.arg == _INDEX), None)
            if index is None or isinstance(index, ast.Constant):
                continue
            named = [k.value for k in call.keywords if k.arg and _ID.match(k.arg)]
            given = named or [a for a in call.args if _ID.match(getattr(a, "id", ""))]
            if len(given) == 1 and _is_fixed(program, call, given[0]):
                yield program, call


def _is_fixed(program: Program, call: ast.Call, node: ast.expr) -> bool:
    """Whether *node* is one text, whatever the item."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    function = program.function(call)
    if not isinstance(node, ast.Name) or function is None:
        return False
    made = [
        n.value
        for n in walk(function)
        if isinstance(n, ast.Assign | ast.AnnAssign)
        for t in (n.targets if isinstance(n, ast.Assign) else [n.target])
        if isinstance(t, ast.Name) and t.id == node.id
    ]
    return bool(made) and all(
        isinstance(m, ast.Constant) and isinstance(m.value, str) for m in made
    )
