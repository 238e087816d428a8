"""The loops over a flow's parameters that collect something of each."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.records import record
from metaflow_orchestrator_kit.validate.rules.syntax import (
    above,
    calls,
    function_of,
    words_at,
    words_of,
)
from metaflow_orchestrator_kit.validate.walking import walk

_COLLECTING = frozenset(["append", "setdefault", "update", "extend"])


@record()
class ParameterLoop:
    """One ``for attribute, parameter in flow._get_parameters()``, or a comprehension of it."""

    node: ast.AST
    attribute: str
    parameter: str
    words: frozenset[str]
    function_words: frozenset[str]
    place: Origin


def parameter_loops(analysis: Analysis) -> Iterator[ParameterLoop]:
    """Loops that keep something of each parameter; checks that only raise are left out."""
    for module, call in calls(analysis, "_get_parameters"):
        if call.args:
            continue
        holder = next(iter(above(analysis, call)), None)
        if isinstance(holder, ast.comprehension):
            holder = next(n for n in above(analysis, holder))
            loop = next(g for g in _generators(holder) if g.iter is call)
            if loop.ifs:
                # Such as: of all parameters those that the user gave a value to.
                continue
            target = loop.target
        elif isinstance(holder, ast.For | ast.AsyncFor) and holder.iter is call:
            target = holder.target
            if not _collects(holder) or _of_given_values(analysis, holder):
                continue
        else:
            continue
        if not isinstance(target, ast.Tuple) or len(target.elts) != 2:
            continue
        attribute, parameter = (getattr(e, "id", "") for e in target.elts)
        function = function_of(analysis, call)
        outer = frozenset(words_of(function)) if function is not None else frozenset[str]()
        words = frozenset(words_of(holder))
        yield ParameterLoop(
            holder, attribute, parameter, words, outer, analysis.place(module, call)
        )


def words_for(
    analysis: Analysis, loop: ParameterLoop, loops: Sequence[ParameterLoop]
) -> frozenset[str]:
    """The words of the function that *loop* stands in, without those of its other loops."""
    function = function_of(analysis, loop.node)
    if function is None:
        return loop.function_words
    others = {
        id(node)
        for other in loops
        if other.node is not loop.node and id(loop.node) not in map(id, walk(other.node))
        for node in walk(other.node)
    }
    own = {id(node) for node in walk(loop.node)}
    words = set(loop.words)
    for node in walk(function):
        if id(node) not in own and id(node) not in others:
            words |= words_at(node)
    return frozenset(words)


def _of_given_values(analysis: Analysis, loop: ast.AST) -> bool:
    """Whether the loop looks parameters up among the ``**kwargs`` of a command."""
    arguments = getattr(function_of(analysis, loop), "args", None)
    given = arguments.kwarg if isinstance(arguments, ast.arguments) else None
    return given is not None and any(
        isinstance(n, ast.Name) and n.id == given.arg for n in walk(loop)
    )


def _generators(node: ast.AST) -> list[ast.comprehension]:
    return list(getattr(node, "generators", []))


def _collects(loop: ast.For | ast.AsyncFor) -> bool:
    for node in walk(loop):
        match node:
            case ast.Subscript(ctx=ast.Store()) | ast.Yield():
                return True
            case ast.Call(func=ast.Attribute(attr=name)) if name in _COLLECTING:
                return True
            case _:
                pass
    return False
