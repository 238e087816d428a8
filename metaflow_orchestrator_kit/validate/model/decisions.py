"""Tests that are certain from what is known."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate.model import containers, expressions, strings
from metaflow_orchestrator_kit.validate.model.values import (
    Class,
    Const,
    Function,
    ListCell,
    MapCell,
    ModuleValue,
    ObjectCell,
    Ref,
    Text,
    Value,
    key_of,
)

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.frame import Frame


def decide(frame: Frame, test: ast.expr) -> bool | None:
    """Whether *test* holds, when that is certain."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = decide(frame, operand)
            return None if inner is None else not inner
        case ast.BoolOp(op=op, values=values):
            answers = [decide(frame, v) for v in values]
            if isinstance(op, ast.And):
                return False if False in answers else None if None in answers else True
            return True if True in answers else None if None in answers else False
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compare(
                frame, op, expressions.evaluate(frame, left), expressions.evaluate(frame, right)
            )
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case _:
            value = expressions.evaluate(frame, test)
            cell = frame.cell(value)
            if isinstance(cell, ListCell | MapCell):
                size = cell.items if isinstance(cell, ListCell) else cell.entries
                certain = [e for e in size if not e.conds and not getattr(e, "many", False)]
                return True if certain else (False if not size else None)
            if isinstance(cell, ObjectCell) or isinstance(value, Function | Class | ModuleValue):
                return None
            return strings.truth(value)


def _compare(frame: Frame, op: ast.cmpop, left: Value, right: Value) -> bool | None:
    if isinstance(op, ast.In | ast.NotIn):
        key = key_of(left)
        items = containers.elements(frame, right)
        known = [key_of(i.value) for i in items]
        if key is None or any(i.many or i.conds for i in items) or None in known:
            return None
        return (key in known) is isinstance(op, ast.In)
    a, b = _plain(left), _plain(right)
    if a is None or b is None:
        none = Const(None)
        if isinstance(op, ast.Is | ast.IsNot) and isinstance(right, Const):
            solid = isinstance(left, Text | Ref | Function | Class)
            if solid and right.value == none.value:
                return isinstance(op, ast.IsNot)
        return None
    same = type(a[0]) is type(b[0]) and a[0] == b[0]
    if isinstance(op, ast.Eq | ast.Is):
        return same
    if isinstance(op, ast.NotEq | ast.IsNot):
        return not same
    return None


def _plain(value: Value) -> tuple[object] | None:
    if isinstance(value, Const):
        return (value.value,)
    literal = key_of(value)
    return (literal,) if literal is not None else None
