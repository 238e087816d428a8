"""How the code tells the nodes of a graph apart."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.syntax import literal, mentions, nodes, terminal
from metaflow_orchestrator_kit.validate.walking import walk

TYPES = frozenset(["start", "linear", "split", "foreach", "split-switch", "join", "end"])
#: Types that are no flow control of other systems by the same word.
_TELLING = frozenset(["split", "foreach", "split-switch", "join", "linear"])
_TYPE = regex(r"type|kind", re.I)


def compared_types(analysis: Analysis) -> dict[str, Origin]:
    """Every node type that something is compared with, and where it is first."""
    found: dict[str, Origin] = {}
    for module, node in nodes(analysis, ast.Compare, ast.match_case, ast.Dict):
        for name in _names(node):
            found.setdefault(name, analysis.place(module, _anchor(node)))
    return found


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Compare(left=left, comparators=[right]):
            for typed, other in ((left, right), (right, left)):
                if _TYPE.search(terminal(typed)):
                    values = getattr(other, "elts", [other])
                    yield from (v for e in values if (v := _type(e)))
        case ast.match_case(pattern=pattern):
            for part in walk(pattern):
                if isinstance(part, ast.MatchValue) and (name := _type(part.value)):
                    yield name
        case ast.Dict(keys=keys):
            named = [n for k in keys if (n := _type(k))]
            if len(set(named) & _TELLING) >= 3:
                yield from named
        case _:
            pass


def _type(node: ast.expr | None) -> str | None:
    value = literal(node)
    return value if isinstance(value, str) and value in TYPES else None


def _anchor(node: ast.AST) -> ast.AST:
    return node.pattern if isinstance(node, ast.match_case) else node


def tells_types_apart(analysis: Analysis) -> Origin | None:
    """Where the code compares nodes' types, when it knows foreach and another type."""
    known = compared_types(analysis)
    if "foreach" not in known or len(_TELLING & known.keys()) < 2:
        return None
    return known["foreach"]


def knows_switch(analysis: Analysis) -> bool:
    """Whether the type of a switch occurs anywhere."""
    return any(
        isinstance(n.value, str) and "split-switch" in n.value
        for _, n in nodes(analysis, ast.Constant)
        if isinstance(n, ast.Constant)
    ) or mentions(analysis, "SPLIT_SWITCH", "is_switch", "switch_cases")


def refuses_unknown_types(analysis: Analysis) -> Origin | None:
    """The ``else: raise`` at the end of a chain of comparisons with types."""
    for module, node in nodes(analysis, ast.If):
        if not isinstance(node, ast.If) or not set(_names(node.test)):
            continue
        last = node
        while len(last.orelse) == 1 and isinstance(last.orelse[0], ast.If):
            last = last.orelse[0]
        if any(isinstance(s, ast.Raise) for s in last.orelse):
            return analysis.place(module, last.orelse[0])
    for module, node in nodes(analysis, ast.match_case):
        match node:
            case ast.match_case(pattern=ast.MatchAs(pattern=None), body=body):
                if any(isinstance(s, ast.Raise) for s in body):
                    return analysis.place(module, body[0])
            case _:
                pass
    return None
