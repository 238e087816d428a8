"""Statements: every path is taken, and paths meet again with conditions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate import walking
from metaflow_orchestrator_kit.validate.model import (
    assign,
    containers,
    decisions,
    expressions,
    scope,
)
from metaflow_orchestrator_kit.validate.model.state import (
    State,
    join,
    merge_heaps,
    merge_references,
)
from metaflow_orchestrator_kit.validate.model.values import (
    Class,
    Cond,
    Const,
    Function,
    FunctionInfo,
    Item,
    Unknown,
    Value,
    names_in,
)

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.frame import Frame

MAX_UNROLL = 64


def block(frame: Frame, body: list[ast.stmt]) -> bool:
    """Follow statements; False when no path reaches the end."""
    return all(statement(frame, node) for node in body)


def statement(frame: Frame, node: ast.stmt) -> bool:
    frame.vm.step()
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.Global() | ast.Nonlocal():
            pass
        case ast.Expr(value=value):
            frame.evaluate(value)
        case ast.Assign(targets=targets, value=value):
            computed = frame.evaluate(value)
            for target in targets:
                assign.assign(frame, target, computed)
        case ast.AnnAssign(target=target, value=value):
            if value is not None:
                assign.assign(frame, target, frame.evaluate(value))
        case ast.AugAssign():
            assign.augment(frame, node)
        case ast.Return(value=value):
            result = frame.evaluate(value) if value is not None else Const(None)
            frame.exits.append((frame.state, result))
            return False
        case ast.Raise():
            if node.exc is not None:
                frame.evaluate(node.exc)
            return False
        case ast.If(test=test, body=body, orelse=orelse):
            return _if(frame, test, body, orelse)
        case ast.For() | ast.AsyncFor():
            return _for(frame, node)
        case ast.While(test=test, body=body, orelse=orelse):
            frame.evaluate(test)
            _loop_once(frame, expressions.source(test), lambda: block(frame, body))
            return block(frame, orelse)
        case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
            for item in items:
                value_ = frame.evaluate(item.context_expr)
                if item.optional_vars is not None:
                    assign.assign(frame, item.optional_vars, value_)
            return block(frame, body)
        case ast.Try():
            return _try(frame, node)
        case ast.Match(subject=subject, cases=cases):
            return _match(frame, subject, cases)
        case ast.Continue():
            if frame.loops:
                frame.loops[-1].append(frame.state)
            return False
        case ast.Break():
            if frame.breaks:
                frame.breaks[-1].append(frame.state)
            return False
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            _define(frame, node)
        case ast.ClassDef():
            frame.state.env[node.name] = Class(scope.class_info(frame, node))
        case ast.Import() | ast.ImportFrom():
            for name in scope.imported(frame, node):
                frame.state.env.pop(name, None)
        case ast.Delete(targets=targets):
            assign.delete(frame, targets)
        case ast.Assert(test=test):
            frame.evaluate(test)
        case _:
            pass
    return True


def _define(frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    if frame.function is None:
        info = frame.module.functions.get(node.name)
        if info is not None and info.node is node:
            frame.state.env[node.name] = Function(info)
            return
    owner = frame.function.owner if frame.function else None
    prefix = f"{frame.function.qualname}." if frame.function else ""
    info = FunctionInfo(node, frame.module, owner, prefix + node.name)
    frame.state.env[node.name] = Function(info, None, frame.state.env)


def _if(frame: Frame, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]) -> bool:
    verdict = decisions.decide(frame, test)
    if verdict is not None:
        return block(frame, body if verdict else orelse)
    cond = condition(frame, test)
    start, depth = frame.state, len(frame.state.path)
    frame.state = start.fork(cond)
    after_body = frame.state if block(frame, body) else None
    if after_body is not None:
        after_body = frame.state
    frame.state = start.fork(cond.negated())
    after_else = None
    if block(frame, orelse):
        after_else = frame.state
    merged = join(after_body, after_else, depth)
    frame.state = merged or start
    return merged is not None


def condition(frame: Frame, test: ast.expr) -> Cond:
    names = walking.names(test)
    own = (
        names
        and frame.loop_names
        and names - {"isinstance", "bool", "str", "len"} <= (frame.loop_names)
    )
    text = expressions.source(test)
    holds = True
    while text.startswith("not "):
        text, holds = text[4:], not holds
    if text.endswith(" is not None"):
        text, holds = text.removesuffix(" is not None"), holds
    elif text.endswith(" is None"):
        text, holds = text.removesuffix(" is None"), not holds
    return Cond(text, holds, "own" if own else "if", _subject(frame, test))


def _subject(frame: Frame, test: ast.expr) -> frozenset[str]:
    """The identifiers that the tested values were made from."""
    names: set[str] = set()
    waiting: list[ast.AST] = [test]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name | ast.Attribute):
            names |= names_in(frame.evaluate(node))
        elif not isinstance(node, ast.comprehension | ast.Lambda | ast.NamedExpr):
            waiting += walking.children(node)
    return frozenset(names - {"isinstance", "list", "tuple", "set", "str", "bool", "len"})


def _for(frame: Frame, node: ast.For | ast.AsyncFor) -> bool:
    iterated = frame.evaluate(node.iter)
    frame.breaks.append([])
    iterate(
        frame,
        iterated,
        node.target,
        expressions.source(node.iter),
        lambda: block(frame, node.body),
    )
    for state in frame.breaks.pop():
        merged = join(state, frame.state, min(len(frame.state.path), len(state.path)))
        frame.state = merged or frame.state
    return block(frame, node.orelse)


def iterate(
    frame: Frame,
    iterated: Value,
    target: ast.expr,
    text: str,
    body: Callable[[], bool],
) -> None:
    """Run *body* once for each known element, and once for all that are not known."""
    items = containers.elements(frame, iterated)
    if len(items) > MAX_UNROLL:
        items = [Item(Unknown(names_in(iterated)), frame.origin(target), many=True)]
    names = walking.names(target)
    for item in items:
        depth = len(frame.state.path)
        if item.many:
            _loop_once(frame, text, lambda it=item: _bind(frame, target, it, body))  # type: ignore[misc]
            continue
        start = frame.state
        fresh = names - frame.loop_names
        frame.loop_names |= fresh
        if item.conds:
            frame.state = start.fork(*item.conds)
        frame.loops.append([])
        live = _bind(frame, target, item, body)
        after = frame.state if live else None
        for state in frame.loops.pop():
            after = join(after, state, depth)
        if item.conds:
            last = item.conds[-1].negated()
            after = join(after, start.fork(last), depth)
        frame.loop_names -= fresh
        if after is None:
            frame.state = start
            return
        frame.state = after


def _bind(frame: Frame, target: ast.expr, item: Item, body: Callable[[], bool]) -> bool:
    assign.assign(frame, target, item.value)
    return body()


def _loop_once(frame: Frame, text: str, body: Callable[[], bool]) -> None:
    start, depth = frame.state, len(frame.state.path)
    frame.state = start.fork(Cond(text, True, "loop"))
    frame.loops.append([])
    after = frame.state if body() else None
    if after is not None:
        after = frame.state
    for state in frame.loops.pop():
        after = join(after, state, depth + 1)
    frame.state = join(after, start.fork(Cond(text, False, "loop")), depth) or start


def _try(frame: Frame, node: ast.Try) -> bool:
    start, depth = frame.state, len(frame.state.path)
    cond = Cond(f"line {node.lineno}", True, "except")
    frame.state = start.fork(cond.negated())
    live = block(frame, node.body) and block(frame, node.orelse)
    after = frame.state if live else None
    for handler in node.handlers:
        frame.state = start.fork(cond)
        if block(frame, handler.body):
            after = join(after, frame.state, depth)
    frame.state = after or start
    return block(frame, node.finalbody) and after is not None


def _match(frame: Frame, subject: ast.expr, cases: list[ast.match_case]) -> bool:
    frame.evaluate(subject)
    text = expressions.source(subject)
    start, depth = frame.state, len(frame.state.path)
    after: State | None = None
    complete = False
    negatives: tuple[Cond, ...] = ()
    for case in cases:
        pattern = f"{text} is {ast.unparse(case.pattern)}"
        cond = Cond(pattern, True, "if")
        frame.state = start.fork(*negatives, cond)
        for name in walking.walk(case.pattern):
            bound = getattr(name, "name", None)
            if isinstance(bound, str):
                frame.state.env[bound] = Unknown(frozenset({bound}), "a match pattern")
        if block(frame, case.body):
            after = join(after, frame.state, depth)
        negatives = (*negatives, cond.negated())
        complete |= isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
    if not complete:
        after = join(after, start.fork(*negatives), depth)
    frame.state = after or start
    return after is not None


def finish(frame: Frame, caller: State, fell_through: bool) -> tuple[Value, set[int]]:
    """The value after a call, over all its returns, and the cells written; the heap is the
    caller's from then on."""
    exits = list(frame.exits)
    if fell_through:
        exits.append((frame.state, Const(None)))
    if not exits:
        return Unknown(why="never returns"), set()
    depth = len(caller.path)
    state, value = exits[0]
    conds = state.path[depth:]
    merged = State({}, state.heap, caller.path, state.written_since(depth), caller.base)
    for later, result in exits[1:]:
        others = later.path[depth:]
        changed = later.written_since(depth) | merged.written
        merged.heap = merge_heaps(merged.heap, conds, later.heap, others, changed)
        merged.written = changed
        value = merge_references(merged, value, conds, result, others)
        conds = ()
    caller.heap = merged.heap
    return value, merged.written
