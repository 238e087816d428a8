"""Walks of the graph that keep a list of what comes next."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.programs import called
from metaflow_orchestrator_kit.validate.rules.syntax import literal, words_of
from metaflow_orchestrator_kit.validate.walking import walk

_ADDS = ("append", "appendleft", "add", "put", "push")
#: Who knows one of these knows what the other successors are for.
_KNOWS = frozenset(["matching_join", "split_parents", "type"])


def queued_alone(function: ast.AST) -> Iterator[ast.AST]:
    """Where only the first successor of a step is put into a queue that a loop empties."""
    if words_of(function) & _KNOWS:
        return
    uses = [n for n in walk(function) if isinstance(n, ast.Attribute) and n.attr == "out_funcs"]
    tests = [n.test for n in walk(function) if isinstance(n, ast.While | ast.If | ast.IfExp)]
    tested = {id(n) for test in tests for n in walk(test)}
    firsts = {id(n.value) for n in walk(function) if isinstance(n, ast.Subscript) and _is_first(n)}
    if any(id(use) not in firsts and id(use) not in tested for use in uses):
        return
    for loop in walk(function):
        if not isinstance(loop, ast.While):
            continue
        for call in walk(loop):
            if not isinstance(call, ast.Call) or called(call) not in _ADDS:
                continue
            if any(_is_first(n) for argument in call.args for n in walk(argument)):
                yield call


def _is_first(node: ast.AST) -> bool:
    match node:
        case ast.Subscript(value=ast.Attribute(attr="out_funcs"), slice=index):
            return literal(index) == 0
        case _:
            return False
