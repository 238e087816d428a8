"""Options that are left out when their value is false, where 0 is one of the values."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.walking import source, walk

_NUMBERS = ("split-index", "split_index", "retry-count", "retry_count")


def falsy_left_out(analysis: Analysis) -> Iterator[tuple[Origin, str]]:
    """Loops over a mapping of options that skip what is false, where an index may be among them."""
    for program in programs(analysis):
        numbers = {
            key.value
            for mapping in program.nodes(ast.Dict)
            for key in mapping.keys
            if isinstance(key, ast.Constant) and key.value in _NUMBERS
        }
        if not numbers:
            continue
        text = f"`{min(numbers)}` is left out when it is 0"
        for test in _false_skipped(program):
            yield program.place(test), text


def _false_skipped(program: Program) -> Iterator[ast.expr]:
    for loop in program.nodes(ast.For):
        match loop:
            case ast.For(
                target=ast.Tuple(elts=[ast.Name(id=name), ast.Name(id=value)]),
                iter=ast.Call(func=ast.Attribute(attr="items")),
            ) if any(_is_flag(n, name) for n in walk(loop)):
                yield from (s.test for s in loop.body if isinstance(s, ast.If) and _skips(s, value))
            # The names alone are gone through, and each value is looked up.
            case ast.For(target=ast.Name(id=name), iter=ast.Name(id=table)) if any(
                _is_flag(n, name) for n in walk(loop)
            ):
                looked_up = f"{table}[{name}]"
                yield from (
                    s.test for s in loop.body if isinstance(s, ast.If) and _skips(s, looked_up)
                )
            case _:
                pass
    for made in (*program.nodes(ast.ListComp), *program.nodes(ast.GeneratorExp)):
        if isinstance(made, ast.ListComp | ast.GeneratorExp):
            yield from _false_filtered(made)


def _false_filtered(made: ast.ListComp | ast.GeneratorExp) -> Iterator[ast.expr]:
    for part in made.generators:
        match part:
            case ast.comprehension(
                target=ast.Tuple(elts=[ast.Name(id=name), ast.Name(id=value)]),
                iter=ast.Call(func=ast.Attribute(attr="items")),
                ifs=[ast.Name(id=asked) as test],
            ) if asked == value and any(_is_flag(n, name) for n in walk(made.elt)):
                yield test
            case _:
                pass


def _skips(statement: ast.stmt, value: str) -> bool:
    """``if not value: continue``, or ``if value:`` around what is done."""
    match statement:
        case ast.If(test=ast.UnaryOp(op=ast.Not(), operand=asked), body=[ast.Continue()]):
            return source(asked) == value
        case ast.If(test=asked, orelse=[]):
            return source(asked) == value
        case _:
            return False


def _is_flag(node: ast.AST, name: str) -> bool:
    """Whether an option is made of the name: ``f"--{name}"``, ``"--%s" % name``."""
    match node:
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), ast.FormattedValue(), *_]):
            return start == "--" and any(getattr(n, "id", "") == name for n in walk(node))
        case ast.BinOp(left=ast.Constant(value=str(start))):
            return start[:2] == "--" and any(getattr(n, "id", "") == name for n in walk(node))
        case _:
            return False
