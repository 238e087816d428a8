"""Whether a promise is kept at each of several places, and not only at one of them.

A promise may be kept in the function that it is asked of, in one that this function calls, or in
one that calls it. What keeps it in one place, or for that one alone, says nothing about
another. What belongs to none of the places, such as a step of the compiler that comes later, is
taken to keep it for all.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.programs import called
from metaflow_orchestrator_kit.validate.records import field, record
from metaflow_orchestrator_kit.validate.walking import nodes_of, walk

Function = ast.FunctionDef | ast.AsyncFunctionDef
_FURTHEST = 3
"""How many calls are followed, upwards and downwards."""
_LABEL = "functions and their calls"
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


@record(frozen=False, eq=False)
class _Code:
    """The functions of all modules, and who calls whom, by name."""

    functions: list[Function] = field(default_factory=list)
    by_name: dict[str, list[Function]] = field(default_factory=dict)
    callers: dict[str, list[Function]] = field(default_factory=dict)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    loose: list[ast.stmt] = field(default_factory=list)


def kept_for_each(
    analysis: Analysis, places: Sequence[ast.AST], keeps: Callable[[ast.AST], bool]
) -> list[bool]:
    """For each of *places*, whether a function keeps the promise for it.

    *keeps* is asked of functions, and of the statements that stand outside of them. A private
    function that nobody names keeps nothing.
    """
    code = _code(analysis)
    keeping: set[ast.AST] = {
        f for f in code.functions if (f.name in code.read or f.name[:1] != "_") and keeps(f)
    }
    loose = any(map(keeps, code.loose))
    owned = [_owned(code, place) for place in places]
    answers: list[bool] = []
    for number, place in enumerate(places):
        others = set[ast.AST]().union(*(o for i, o in enumerate(owned) if i != number))
        own = _below(code, place) | _upwards(code, place)
        answers.append(loose or bool(keeping & own) or bool(keeping - others))
    return answers


def broken(kept: Sequence[bool]) -> list[int]:
    """Which of the places to tell of: where nothing keeps the promise, the first stands for all."""
    return [i for i, is_kept in enumerate(kept) if not is_kept] if any(kept) else [0][: len(kept)]


def callers(analysis: Analysis, function: ast.AST) -> set[str]:
    """The names of *function* and of what calls it, also from further away."""
    return {f.name for f in _upwards(_code(analysis), function)}


def _below(code: _Code, place: ast.AST) -> set[ast.AST]:
    """The functions that *place* stands in, and those that they call."""
    below: Iterable[Function] = list(_holders(code, place))
    found: set[ast.AST] = set(below)
    for _ in range(_FURTHEST):
        below = [c for f in below for name in _called(f) for c in code.by_name.get(name, ())]
        below = [c for c in dict.fromkeys(below) if c not in found]
        found.update(below)
    return found


def _owned(code: _Code, place: ast.AST) -> set[ast.AST]:
    """The functions that *place* stands in, and those that are called by no other."""
    found: set[ast.AST] = set(_holders(code, place))
    below = _below(code, place)
    for _ in range(_FURTHEST):
        found |= {f for f in below if found.issuperset(_callers(code, f) - {f})}
    return found


def _callers(code: _Code, function: ast.AST) -> set[ast.AST]:
    return set(code.callers.get(getattr(function, "name", ""), ()))


def _holders(code: _Code, place: ast.AST) -> Iterator[Function]:
    node: ast.AST | None = place
    while node is not None:
        if isinstance(node, Function):
            yield node
        node = code.parents.get(node)


def _upwards(code: _Code, place: ast.AST) -> set[Function]:
    """The functions that *place* stands in, and those that call them."""
    found: set[Function] = set(_holders(code, place))
    above: Iterable[Function] = list(found)
    for _ in range(_FURTHEST):
        above = [c for f in above for c in code.callers.get(f.name, ()) if c not in found]
        found.update(above)
    return found


def _called(function: Function) -> set[str]:
    """What a function calls, or names to have it called."""
    known: set[str] | None = getattr(function, "_mok_called", None)
    if known is None:
        nodes = walk(function)
        known = {called(n) for n in nodes if isinstance(n, ast.Call)}
        known |= {n.id for n in nodes if isinstance(n, ast.Name)}
        function._mok_called = known  # type: ignore[union-attr]
    return known


def _code(analysis: Analysis) -> _Code:
    known = analysis.memo.get(_LABEL)
    if isinstance(known, _Code):
        return known
    code = _Code()
    for module in analysis.modules():
        nodes = nodes_of(module.tree)
        code.parents.update(nodes.parents)
        code.functions += (*nodes.of(ast.FunctionDef), *nodes.of(ast.AsyncFunctionDef))
        code.read |= {n.id for n in nodes.of(ast.Name)} | {n.attr for n in nodes.of(ast.Attribute)}
        code.loose += (s for s in module.tree.body if not isinstance(s, _DEFINITIONS))
    for function in code.functions:
        code.by_name.setdefault(function.name, []).append(function)
    for function in code.functions:
        for name in _called(function) & code.by_name.keys():
            code.callers.setdefault(name, []).append(function)
    analysis.memo[_LABEL] = code
    return code
