"""Where an extension looks at a feature of a flow: a decorator, a kind of node, an attribute."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from operator import itemgetter

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import (
    Program,
    constants,
    names_used,
    programs,
    source,
)
from metaflow_orchestrator_kit.validate.records import record
from metaflow_orchestrator_kit.validate.walking import walk

_LABEL = "attributes read"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def looked_up(analysis: Analysis, *names: str) -> Iterator[tuple[Program, ast.Constant]]:
    """Where a decorator or kind of node is asked for by one of these names.

    ``decorators.get("x")``, ``decorators["x"]``, ``deco.name == "x"``, ``in ("x", "y")``; the name
    of a click command, a keyword's value or a text for people is none.
    """
    for program, node in constants(analysis, *names):
        if _is_key(program, node):
            yield program, node


def _is_key(program: Program, node: ast.Constant) -> bool:
    match next(program.parents(node), None):
        case ast.Call(func=ast.Attribute(attr="command" | "group" | "option" | "argument")):
            return False
        case ast.Call(func=ast.Name(id="getattr" | "hasattr" | "setattr")):
            return False
        case ast.Call() | ast.Compare() | ast.Subscript() | ast.MatchValue():
            return True
        case ast.Tuple() | ast.List() | ast.Set() | ast.Dict():
            return True
        case _:
            return False


def read_attributes(analysis: Analysis, *names: str) -> Iterator[tuple[Program, ast.expr]]:
    """Where an attribute is read: ``x.name`` or ``getattr(x, "name")``."""
    known = analysis.memo.get(_LABEL)
    if not isinstance(known, _Reads):
        known = analysis.memo[_LABEL] = _Reads(_reads(analysis))
    found = [place for name in dict.fromkeys(names) for place in known.places.get(name, ())]
    yield from ((program, node) for _, program, node in sorted(found, key=itemgetter(0)))


@record()
class _Reads:
    """Where each attribute is read; the numbers tell the order."""

    places: dict[str, list[tuple[int, Program, ast.expr]]]


def _reads(analysis: Analysis) -> dict[str, list[tuple[int, Program, ast.expr]]]:
    found: dict[str, list[tuple[int, Program, ast.expr]]] = {}
    number = 0
    for program in programs(analysis):
        for node in program.nodes(ast.Attribute):
            if node.ctx.__class__ is ast.Load:
                number += 1
                found.setdefault(node.attr, []).append((number, program, node))
        for call in program.calls("getattr"):
            if len(call.args) > 1:
                name = call.args[1]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    number += 1
                    found.setdefault(name.value, []).append((number, program, call))
    return found


def mentions(analysis: Analysis, pattern: str) -> bool:
    """Whether an identifier or a short string of the code matches."""
    return any(map(re.compile(pattern).search, names_used(analysis)))


def handling(analysis: Analysis, name: str) -> list[tuple[Program, ast.Constant, Function]]:
    """The functions that look a flow decorator up and do something with what it says.

    A function that only refuses the decorator is none.
    """
    found: list[tuple[Program, ast.Constant, Function]] = []
    for program, node in looked_up(analysis, name):
        function = program.function(node)
        if function is None or program.generated or not _asks_flow(program, node):
            continue
        if not refuses(program, node):
            found.append((program, node, function))
    return found


def _asks_flow(program: Program, node: ast.Constant) -> bool:
    """Whether the decorators of a flow are asked, rather than a dictionary of one's own."""
    match next(program.parents(node), None):
        case ast.Call(func=asked) | ast.Subscript(value=asked):
            return "deco" in source(asked).lower()
        case ast.Compare() as compared:
            return bool(re.search(r"deco|\.name\b", source(compared)))
        case _:
            return False


def refuses(program: Program, node: ast.Constant) -> bool:
    """Whether the test that *node* is in leads to a raise."""
    for outer in program.parents(node):
        if isinstance(outer, ast.If) and any(isinstance(s, ast.Raise) for s in outer.body):
            return True
        if isinstance(outer, ast.For) and any(n is node for n in walk(outer.iter)):
            return any(isinstance(n, ast.Raise) for n in walk(outer))
        if isinstance(outer, Function):
            return any(isinstance(n, ast.Raise) for n in walk(outer)) and not any(
                isinstance(n, ast.Return) and n.value is not None for n in walk(outer)
            )
    return False


def strings_in(node: ast.AST) -> set[str]:
    """The string constants and attribute names below a node."""
    return {
        str(text)
        for inner in walk(node)
        for text in (
            inner.value if isinstance(inner, ast.Constant) else None,
            inner.attr if isinstance(inner, ast.Attribute) else None,
            inner.arg if isinstance(inner, ast.keyword) else None,
            inner.id if isinstance(inner, ast.Name) else None,
        )
        if isinstance(text, str)
    }


def compiler_place(analysis: Analysis) -> Origin | None:
    """Where steps are launched: a stand-in for what is missing everywhere."""
    steps = analysis.of_kind("step")
    return steps[0].origin if steps else None
