"""Texts that are put together, in whichever way: what is written, and what fills the gaps."""

from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.programs import HOLE, Program
from metaflow_orchestrator_kit.validate.records import record, regex
from metaflow_orchestrator_kit.validate.rules.assigned import made_of

_PERCENT = regex(r"%(?:\(\w+\))?[-+0-9.]*[srdi]")
_BRACES = regex(r"\{[\w.]*(?:![rs])?(?::[^{}]*)?\}")
_DEEPEST = 6


@record()
class Assembled:
    """A text with a ``HOLE`` for everything that is not written, and the expressions of those.

    ``holes`` is shorter than the number of gaps when some are filled from what is not seen.
    """

    text: str
    holes: tuple[ast.expr, ...]


def assembled(program: Program, node: ast.expr) -> Assembled | None:
    """What *node* puts together; a variable is followed to the one thing that it was given."""
    found = _of(node, 0)
    if found is None and isinstance(node, ast.Name):
        _, *given = made_of(program, node)
        found = _of(given[0], 0) if len(given) == 1 else None
    return found


def as_written(node: ast.expr) -> Assembled | None:
    """What *node* itself puts together."""
    return _of(node, 0)


def _of(node: ast.expr, depth: int) -> Assembled | None:
    if depth > _DEEPEST:
        return None
    match node:
        case ast.Constant(value=str(text)):
            return Assembled(text, ())
        case ast.JoinedStr(values=values):
            return _joined("", [_inner(v, depth) for v in values])
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right):
            given = right.elts if isinstance(right, ast.Tuple) else [right]
            return Assembled(_PERCENT.sub(HOLE, text), tuple(given))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            sides = [_inner(left, depth), _inner(right, depth)]
            # A sum without a text in it may be one of numbers.
            return _joined("", sides) if re.sub(HOLE, "", "".join(s.text for s in sides)) else None
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            holes = (*node.args, *(k.value for k in node.keywords))
            return Assembled(_BRACES.sub(HOLE, text), holes)
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value=str(between)), attr="join"),
            args=[ast.List(elts=parts) | ast.Tuple(elts=parts)],
        ):
            return _joined(between, [_inner(p, depth) for p in parts])
        case _:
            return None


def _inner(node: ast.expr, depth: int) -> Assembled:
    if isinstance(node, ast.FormattedValue):
        node = node.value
    return _of(node, depth + 1) or Assembled(HOLE, (node,))


def _joined(between: str, parts: list[Assembled]) -> Assembled:
    return Assembled(between.join(p.text for p in parts), tuple(h for p in parts for h in p.holes))
