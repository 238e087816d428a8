"""Operators and subscripts."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate.model import containers, expressions, strings
from metaflow_orchestrator_kit.validate.model.state import merge_values
from metaflow_orchestrator_kit.validate.model.values import (
    NUMBER,
    Alt,
    Cond,
    Conds,
    Const,
    ListCell,
    MapCell,
    Origin,
    Text,
    Unknown,
    Value,
    both,
    is_number,
    key_of,
    names_in,
    options_of,
)
from metaflow_orchestrator_kit.validate.records import replace

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.frame import Frame


def binary(frame: Frame, node: ast.AST, op: ast.operator, left: Value, right: Value) -> Value:
    """``left <op> right``."""
    origin = frame.origin(node)
    if isinstance(op, ast.Add):
        if _is_list(frame, left) or _is_list(frame, right):
            cells = [c for c in (frame.cell(left), frame.cell(right)) if isinstance(c, ListCell)]
            items = (
                *containers.elements(frame, left, left_origin(left, origin)),
                *containers.elements(frame, right, left_origin(right, origin)),
            )
            kind = cells[0].kind if cells else "list"
            return frame.new(ListCell(items[:2000], kind, origin))
        if isinstance(left, Text) or isinstance(right, Text):
            text = strings.concatenate([left, right], origin)
            containers.remember(frame, text)
            return text
    if isinstance(op, ast.Mod) and isinstance(left, Text):
        text = strings.format_percent(left, _percent_argument(frame, right), origin)
        containers.remember(frame, text)
        return text
    if isinstance(op, ast.BitOr) and any(isinstance(frame.cell(v), MapCell) for v in (left, right)):
        merged = (
            *containers.entries(frame, left, origin),
            *containers.entries(frame, right, origin),
        )
        return frame.new(MapCell(tuple(merged), origin))
    if (
        isinstance(op, ast.Mult)
        and isinstance(left, Text)
        and containers.integer(right) is not None
    ):
        times = containers.integer(right) or 0
        if 0 <= times <= 20:
            return Text(left.parts * times)
    if isinstance(op, ast.Mult) and isinstance(frame.cell(left), ListCell):
        return left
    a, b = containers.integer(left), containers.integer(right)
    if a is not None and b is not None and isinstance(op, ast.Add | ast.Sub | ast.Mult):
        result = a + b if isinstance(op, ast.Add) else a - b if isinstance(op, ast.Sub) else a * b
        if abs(result) < 10**12:
            return Const(result, origin)
    arithmetic = isinstance(op, ast.Add | ast.Sub) and (is_number(left) or is_number(right))
    counted = isinstance(op, ast.Mult) and is_number(left) and is_number(right)
    why = NUMBER if arithmetic or counted or isinstance(op, ast.FloorDiv) else "computed"
    return Unknown(names_in(left) | names_in(right), why, origin)


def left_origin(value: Value, fallback: Origin) -> Origin:
    if isinstance(value, Unknown | Const) and value.origin is not None:
        return value.origin
    return fallback


def _is_list(frame: Frame, value: Value) -> bool:
    return any(isinstance(frame.cell(v), ListCell) for _, v in options_of(value))


def _percent_argument(frame: Frame, right: Value) -> Callable[[str | int], Value]:
    cell = frame.cell(right)

    def answer(key: str | int) -> Value:
        if isinstance(key, str):
            return containers.lookup_key(frame, right, key)
        if isinstance(cell, ListCell) and cell.kind == "tuple":
            plain = not any(i.many for i in cell.items)
            if plain and key < len(cell.items):
                return cell.items[key].value
            return Unknown(names_in(right), "a formatted value")
        return right if key == 0 else Unknown(names_in(right), "a formatted value")

    return answer


def bool_op(frame: Frame, node: ast.BoolOp) -> Value:
    """``a or b``, ``a and b``: one of the operands."""
    is_or = isinstance(node.op, ast.Or)
    values: list[tuple[Conds, Value]] = []
    conds: Conds = ()
    for position, operand in enumerate(node.values):
        value = expressions.evaluate(frame, operand)
        known = strings.truth(value)
        last = position == len(node.values) - 1
        cond = Cond(expressions.source(operand), True, "if")
        if last or known is is_or:
            values.append((conds, value))
            break
        if known is (not is_or):
            continue
        # "x and [...]": x itself is only the result when it is empty.
        if is_or:
            values.append(((*conds, cond), value))
        conds = (*conds, cond.negated() if is_or else cond)
    if len(values) == 1 and is_or:
        return values[0][1]
    if not is_or:
        value = values[-1][1]
        return Alt(((conds, value), ((conds[0].negated(),), Const(None)))) if conds else value
    result = values[0][1]
    for extra_conds, value in values[1:]:
        result = merge_values(result, values[0][0], value, extra_conds)
    return result


def subscript(frame: Frame, node: ast.Subscript) -> Value:
    base = expressions.evaluate(frame, node.value)
    if isinstance(node.slice, ast.Slice):
        cell = frame.cell(base)
        if isinstance(cell, ListCell):
            return _slice(frame, cell, node.slice)
        return Unknown(names_in(base), "a slice", frame.origin(node))
    key = expressions.evaluate(frame, node.slice)
    cell = frame.cell(base)
    number = containers.integer(key)
    if isinstance(cell, ListCell) and number is not None:
        plain = not any(i.many or i.conds for i in cell.items)
        if plain and -len(cell.items) <= number < len(cell.items):
            return cell.items[number].value
    if isinstance(cell, MapCell) and key_of(key) is not None:
        return containers.lookup_key(frame, base, key_of(key) or "")
    names = names_in(base) | names_in(key)
    literal = key_of(key)
    if literal is not None:
        names |= {literal}
    return Unknown(names, "an element", frame.origin(node))


def _slice(frame: Frame, cell: ListCell, node: ast.Slice) -> Value:
    low = containers.integer(expressions.evaluate(frame, node.lower)) if node.lower else None
    high = containers.integer(expressions.evaluate(frame, node.upper)) if node.upper else None
    unclear = (node.lower and low is None) or (node.upper and high is None) or node.step
    if unclear or any(i.many or i.conds for i in cell.items):
        items = [replace(i, conds=both((Cond("slice", True, "if"),), i.conds)) for i in cell.items]
        return frame.new(replace(cell, items=tuple(items)))
    return frame.new(replace(cell, items=cell.items[low:high]))
