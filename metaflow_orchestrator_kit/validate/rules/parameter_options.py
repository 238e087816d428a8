"""Loops that make options of parameters' values, and whether a value that is None gets there."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.programs import Program
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal, words_of
from metaflow_orchestrator_kit.validate.walking import source, walk

_VALUES = regex(r"^(?:\w+_)?(?:param(?:eter)?s|values|kwargs|inputs)$", re.I)


def loops(program: Program) -> Iterator[tuple[ast.expr, ast.expr, list[ast.AST], bool]]:
    for loop in program.nodes(ast.For):
        body = [n for s in loop.body for n in walk(s)]
        yield loop.iter, loop.target, body, False
    for part in program.nodes(ast.comprehension):
        yield part.iter, part.target, list(walk(next(program.parents(part)))), bool(part.ifs)


def pair(iterated: ast.expr, target: ast.expr) -> tuple[str, str] | None:
    """The names of an option and its value in a loop over parameters' values."""
    match iterated, target:
        case (
            ast.Call(func=ast.Attribute(attr="items", value=owner), args=[]),
            ast.Tuple(elts=[ast.Name(id=key), ast.Name(id=value)]),
        ) if _VALUES.match(terminal(owner)):
            return key, value
        case _:
            return None


def takes_out_none(program: Program) -> bool:
    """Whether a loop over values leaves those out that are None."""
    return any(
        "is not None" in source(test)
        for part in program.nodes(ast.comprehension)
        for test in part.ifs
    )


def reads_texts(program: Program) -> bool:
    """Whether values are taken out of ``name=value``: those are never None."""
    return any(
        isinstance(call.func, ast.Attribute)
        and call.func.attr in ("split", "partition")
        and any(literal(argument) == "=" for argument in call.args[:1])
        for call in program.nodes(ast.Call)
    )


def filtered(program: Program, iterated: ast.expr) -> bool:
    """Whether the function asks for None somewhere."""
    function = program.function(iterated)
    return function is not None and "is not None" in source(function)


def is_option(node: ast.AST, key: str, value: str) -> bool:
    """``["--" + key, str(value)]``, ``f"--{key}={value}"``, ``"--%s=%s" % (key, value)``."""
    match node:
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return any(
                _names(first, key) and "--" in source(first) and _as_text(second, value)
                for first, second in itertools.pairwise(elements)
            )
        case ast.JoinedStr(values=[first, *_] as values):
            shown = [terminal(v.value) for v in values if isinstance(v, ast.FormattedValue)]
            return str(literal(first)).startswith("--") and shown == [key, value]
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=ast.Tuple()):
            return text.startswith("--") and {key, value} <= words_of(node.right)
        case _:
            return False


def _names(node: ast.expr, key: str) -> bool:
    return key in words_of(node)


def _as_text(node: ast.expr, value: str) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=name)]):
            return name == value
        case ast.JoinedStr(values=[ast.FormattedValue(value=ast.Name(id=name))]):
            return name == value
        case _:
            return False


def asks(body: list[ast.AST], value: str) -> bool:
    """Whether the value is tested, or replaced, before it is passed."""
    for node in body:
        match node:
            case ast.If(test=test) | ast.IfExp(test=test):
                if value in words_of(test):
                    return True
            case ast.Assign(targets=[ast.Name(id=name)]) if name == value:
                return True
            case _:
                pass
    return False
