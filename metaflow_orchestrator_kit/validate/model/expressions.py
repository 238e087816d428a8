"""The value of an expression."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from metaflow_orchestrator_kit.validate import walking
from metaflow_orchestrator_kit.validate.model import (
    assign,
    calls,
    containers,
    decisions,
    operators,
    scope,
    statements,
    strings,
)
from metaflow_orchestrator_kit.validate.model.state import merge_values
from metaflow_orchestrator_kit.validate.model.values import (
    Cond,
    Conds,
    Const,
    Entry,
    Function,
    FunctionInfo,
    Item,
    ListCell,
    MapCell,
    Origin,
    Part,
    Ref,
    Text,
    Unknown,
    Value,
    fresh_id,
    names_in,
    text_of,
)
from metaflow_orchestrator_kit.validate.records import regex, replace

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.frame import Frame

_Element = TypeVar("_Element", Item, Entry)
_HOLE = regex(r"mok_hole_\d+")
_KINDS: dict[type[ast.expr], str] = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}


def source(node: ast.AST) -> str:
    """The node as source, short."""
    return walking.source(node)[:160] or f"<{type(node).__name__}>"


def evaluate(frame: Frame, node: ast.expr) -> Value:
    """What *node* evaluates to, as far as it can be known."""
    vm = frame.vm
    vm.budget -= 1  # As `step` does it: this is called more often than anything else.
    if vm.budget < 0:
        vm.step(0)
    match node:  # The most frequent ones first: a case that does not fit costs time.
        case ast.Name(id=name):
            return scope.lookup(frame, name)
        case ast.Constant(value=value):
            if isinstance(value, str):
                return _string_constant(frame, node, value)
            return Const(value, frame.origin(node))
        case ast.Attribute(value=base, attr=attr):
            return scope.attribute(frame, evaluate(frame, base), attr, node)
        case ast.Call():
            return calls.call_node(frame, node)
        case ast.JoinedStr():
            return _fstring(frame, node)
        case ast.List() | ast.Tuple() | ast.Set():
            return frame.new(
                ListCell(_display(frame, node.elts), _KINDS[type(node)], frame.origin(node))
            )
        case ast.Dict():
            return _dict(frame, node)
        case ast.BinOp(left=left, op=op, right=right):
            return operators.binary(frame, node, op, evaluate(frame, left), evaluate(frame, right))
        case ast.BoolOp():
            return operators.bool_op(frame, node)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            verdict = decisions.decide(frame, test)
            if verdict is not None:
                return evaluate(frame, body if verdict else orelse)
            cond = statements.condition(frame, test)
            first, second = evaluate(frame, body), evaluate(frame, orelse)
            return merge_values(first, (cond,), second, (cond.negated(),))
        case ast.Subscript():
            return operators.subscript(frame, node)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            kind = {ast.ListComp: "list", ast.SetComp: "set"}.get(type(node), "generator")
            items: list[Item] = []
            _comprehend(frame, node.generators, lambda: items.append(_item(frame, node.elt)), items)
            return frame.new(ListCell(tuple(items), kind, frame.origin(node)))
        case ast.DictComp():
            return _dict_comp(frame, node)
        case ast.NamedExpr(target=target, value=value):
            computed = evaluate(frame, value)
            assign.assign(frame, target, computed)
            return computed
        case ast.Await(value=value) | ast.Starred(value=value):
            return evaluate(frame, value)
        case ast.Yield(value=value):
            _yield(frame, evaluate(frame, value) if value else Const(None), node, False)
            return Unknown(why="sent into a generator")
        case ast.YieldFrom(value=value):
            _yield(frame, evaluate(frame, value), node, True)
            return Unknown(why="sent into a generator")
        case ast.Lambda():
            owner = frame.function.owner if frame.function else None
            info = FunctionInfo(node, frame.module, owner, "<lambda>")
            return Function(info, None, frame.state.env)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))):
            return Const(-number, frame.origin(node))
        case _:
            return _opaque(frame, node)


def _opaque(frame: Frame, node: ast.expr) -> Unknown:
    names: set[str] = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            names |= names_in(evaluate(frame, child))
    return Unknown(frozenset(names), "not followed", frame.origin(node))


def _string_constant(frame: Frame, node: ast.Constant, value: str) -> Text:
    origin = _skip_continuation(frame, node, frame.origin(node))
    text = text_of(value, origin)
    if "mok_hole_" in value and frame.module in frame.vm.holes:
        text = _with_holes(text, frame.vm.holes[frame.module])
    containers.remember(frame, text)
    return text


def _with_holes(text: Text, holes: Mapping[str, Value]) -> Text:
    """A literal of a generated program, with the values that are formatted into it."""
    found: list[Part] = []
    for part in text.parts:
        at = 0
        for hole in _HOLE.finditer(str(part.content)):
            if hole[0] in holes:
                found.append(replace(part, content=str(part.content)[at : hole.start()]))
                found.extend(strings.parts_of(holes[hole[0]], part.origin))
                at = hole.end()
        found.append(replace(part, content=str(part.content)[at:]))
    return Text(tuple(p for p in found if p.content != ""))


def _skip_continuation(frame: Frame, node: ast.expr, origin: Origin) -> Origin:
    """A string that opens with a backslash and a newline begins on the next line."""
    if node.end_lineno == node.lineno:
        return origin
    lines = frame.module.lines
    if node.lineno <= len(lines):
        rest = lines[node.lineno - 1].rstrip()
        if rest.endswith(('"""\\', "'''\\")):
            return origin._replace(line=origin.line + 1)
    return origin


def _fstring(frame: Frame, node: ast.JoinedStr) -> Text:
    start = _skip_continuation(frame, node, frame.origin(node))
    parts: list[Part] = []
    newlines = 0
    for value in node.values:
        line = min(start.line + newlines, max(start.end_line, start.line))
        here = Origin(start.path, line, start.column if not newlines else 1, start.end_line)
        if isinstance(value, ast.Constant):
            parts.append(Part(str(value.value), here, (), fresh_id()))
            newlines += str(value.value).count("\n")
        elif isinstance(value, ast.FormattedValue):
            inner = evaluate(frame, value.value)
            parts.extend(strings.parts_of(inner, here, value.conversion == ord("r")))
    text = Text(tuple(parts))
    containers.remember(frame, text)
    return text


def _item(frame: Frame, node: ast.expr) -> Item:
    return Item(evaluate(frame, node), frame.origin(node), (), fresh_id())


def _display(frame: Frame, nodes: Sequence[ast.expr]) -> tuple[Item, ...]:
    items: list[Item] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            items.extend(
                containers.elements(frame, evaluate(frame, node.value), frame.origin(node))
            )
        else:
            items.append(_item(frame, node))
    return tuple(items)


def _dict(frame: Frame, node: ast.Dict) -> Value:
    found: list[Entry] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            found.extend(containers.entries(frame, evaluate(frame, value), frame.origin(value)))
        else:
            name, computed = evaluate(frame, key), evaluate(frame, value)
            found.append(Entry(name, computed, frame.origin(key), (), fresh_id()))
    return frame.new(MapCell(tuple(found), frame.origin(node)))


def _dict_comp(frame: Frame, node: ast.DictComp) -> Value:
    found: list[Entry] = []

    def add() -> None:
        key = evaluate(frame, node.key)
        value = evaluate(frame, node.value)
        found.append(Entry(key, value, frame.origin(node), (), fresh_id()))

    _comprehend(frame, node.generators, add, found)
    return frame.new(MapCell(tuple(found), frame.origin(node)))


def _comprehend(
    frame: Frame,
    generators: list[ast.comprehension],
    emit: Callable[[], object],
    found: list[_Element],
) -> None:
    """Run *emit* for each element; what it added gets the conditions it was added under."""
    first, rest = generators[0], generators[1:]
    iterated = evaluate(frame, first.iter)
    items = containers.elements(frame, iterated)
    if len(items) > 64:
        items = [Item(Unknown(names_in(iterated)), frame.origin(first.iter), many=True)]
    saved = dict(frame.state.env)
    names = walking.names(first.target)
    fresh = names - frame.loop_names
    for item in items:
        conds: Conds = item.conds
        if item.many:
            conds = (*conds, Cond(source(first.iter), True, "loop"))
        else:
            frame.loop_names |= fresh
        assign.assign(frame, first.target, item.value)
        wanted = True
        for test in first.ifs:
            verdict = decisions.decide(frame, test)
            if verdict is False:
                wanted = False
                break
            if verdict is None:
                conds = (*conds, statements.condition(frame, test))
        if wanted:
            before = len(found)
            if rest:
                _comprehend(frame, rest, emit, found)
            else:
                emit()
            for position in range(before, len(found)):
                found[position] = found[position].under(conds)
        frame.loop_names -= fresh
    frame.state.env = saved


def _yield(frame: Frame, value: Value, node: ast.expr, many: bool) -> None:
    if frame.yields is None:
        return
    ref = Ref(frame.yields)
    cell = frame.cell(ref)
    if isinstance(cell, ListCell):
        origin = frame.origin(node)
        new = (
            containers.elements(frame, value, origin)
            if many
            else [Item(value, origin, (), fresh_id())]
        )
        frame.store(ref, replace(cell, items=(*cell.items, *new)[:2000]))
