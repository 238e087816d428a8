"""Names, attributes and calls: within the project they are followed, outside they are recorded."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate import walking
from metaflow_orchestrator_kit.validate.model import (
    binding,
    builtins,
    containers,
    fields,
    keys,
    scope,
    statements,
)
from metaflow_orchestrator_kit.validate.model.state import State
from metaflow_orchestrator_kit.validate.model.values import (
    Bound,
    Class,
    ClassInfo,
    Function,
    FunctionInfo,
    Item,
    ListCell,
    ModuleValue,
    ObjectCell,
    Origin,
    Ref,
    Unknown,
    Value,
    fresh_id,
    key_of,
    names_in,
)
from metaflow_orchestrator_kit.validate.project import Module, dotted
from metaflow_orchestrator_kit.validate.records import regex

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.binding import Arguments
    from metaflow_orchestrator_kit.validate.model.frame import Frame

_WORD = regex(r"[\w.~/-]{1,60}")
#: No recursion was cut short.
MAX_CUT = 1_000_000
_COMMON_METHODS = frozenset(
    {
        "add", "append", "call", "close", "copy", "create", "delete", "execute", "extend",
        "format", "get", "items", "join", "keys", "load", "main", "name", "pop", "read", "run",
        "save", "start", "status", "stop", "trigger", "update", "values", "wait", "write",
    }
)  # fmt: skip


def call_node(frame: Frame, node: ast.Call) -> Value:
    """The value of a call expression."""
    receiver: Value | None = None
    if isinstance(node.func, ast.Attribute):
        receiver = frame.evaluate(node.func.value)
        callee = scope.attribute(frame, receiver, node.func.attr, node.func)
        name = node.func.attr
    else:
        callee = frame.evaluate(node.func)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
    arguments = _arguments(frame, node)
    origin = frame.origin(node)
    if isinstance(callee, Bound):
        name, receiver = callee.name, callee.receiver
    if isinstance(callee, Function):
        return call(frame, callee, arguments, origin)
    if isinstance(callee, Class):
        return _construct(frame, callee.info, arguments, origin)
    known = builtins.call(frame, name, receiver, callee, arguments, node)
    if known is not None:
        return known
    guess = _guess_method(frame, name, receiver)
    if guess is not None:
        return call(frame, guess, arguments, origin)
    return _outside(frame, name, receiver, callee, arguments, node)


def _outside(
    frame: Frame,
    name: str,
    receiver: Value | None,
    callee: Value,
    arguments: Arguments,
    node: ast.Call,
) -> Value:
    kwargs = [(k, v, c, o) for k, (v, c, o) in arguments.keywords.items()]
    for entry in arguments.rest:
        key = key_of(entry.key) or "**"
        kwargs.append((key, entry.value, entry.conds, entry.origin))
    full = callee.name if isinstance(callee, ModuleValue) else name
    if receiver is None and not name:
        # A call of what another call answered, as in getattr(group, command)(...).
        receiver = callee
    containers.record(
        frame, "call", full, receiver, node, [i.value for i in arguments.positional], kwargs
    )
    names = names_in(receiver) | arguments.names() | names_in(callee)
    for value in (receiver, callee):
        if isinstance(value, ModuleValue):
            names |= set(value.name.split("."))
    if name:
        names |= {name}
    for value in (receiver, *(i.value for i in arguments.positional)):
        literal = key_of(value)
        if literal is not None and _WORD.fullmatch(literal):
            names |= {literal}
    return Unknown(names, f"what {name or 'a call'}() returns", frame.origin(node))


def _guess_method(frame: Frame, name: str, receiver: Value | None) -> Function | None:
    """A method called on something unknown, when only one class of the project has it."""
    if receiver is None or not isinstance(receiver, Unknown) or name in _COMMON_METHODS:
        return None
    found = frame.vm.methods_called(name)
    if len(found) != 1 or scope.decorators(found[0]) & {"property", "staticmethod"}:
        return None
    owner = found[0].owner
    return Function(found[0], scope.instance(frame, owner)) if owner is not None else None


def _arguments(frame: Frame, node: ast.Call) -> Arguments:
    arguments = binding.Arguments()
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            value = frame.evaluate(argument.value)
            arguments.positional.extend(containers.elements(frame, value, frame.origin(argument)))
        else:
            value = frame.evaluate(argument)
            arguments.positional.append(Item(value, frame.origin(argument), (), fresh_id()))
    for keyword in node.keywords:
        value = frame.evaluate(keyword.value)
        origin = frame.origin(keyword.value)
        if keyword.arg is not None:
            arguments.keywords[keyword.arg] = (value, (), origin)
            continue
        for entry in containers.entries(frame, value, origin):
            name = key_of(entry.key)
            if name is None:
                arguments.rest.append(entry)
                arguments.open_ = True
            else:
                arguments.keywords[name] = (entry.value, entry.conds, entry.origin)
    if any(i.many for i in arguments.positional):
        arguments.open_ = True
    return arguments


def _construct(frame: Frame, cls: ClassInfo, arguments: Arguments, origin: Origin) -> Value:
    """``Class(...)``: run ``__init__``, or fill the fields of a dataclass or named tuple."""
    receiver = frame.new(ObjectCell(cls, {}, origin))
    init = scope.find_method(frame, cls, "__init__")
    if init is not None:
        call(frame, Function(init, receiver), arguments, origin)
        made = frame.cell(receiver)
        if isinstance(made, ObjectCell):
            fields.remember(frame, cls, made.attrs)
        return receiver
    attrs: dict[str, Value] = {}
    position = 0
    for known in reversed(frame.vm.project.ancestry(cls)):
        for statement in known.node.body:
            if not isinstance(statement, ast.AnnAssign) or not isinstance(
                statement.target, ast.Name
            ):
                continue
            name = statement.target.id
            plain = position < len(arguments.positional)
            if plain and not arguments.positional[position].many:
                attrs[name] = arguments.positional[position].value
            elif name in arguments.keywords:
                attrs[name] = arguments.keywords[name][0]
            elif arguments.open_ or statement.value is None:
                attrs[name] = Unknown(frozenset({name}), f"the field {name}", origin)
            else:
                attrs[name] = _field_default(frame, known.module, statement.value)
            position += 1
    frame.store(receiver, ObjectCell(cls, attrs, origin))
    fields.remember(frame, cls, attrs)
    return receiver


def _field_default(frame: Frame, module: Module, node: ast.expr) -> Value:
    if isinstance(node, ast.Call) and (dotted(node.func) or "").rpartition(".")[2] == "field":
        for keyword in node.keywords:
            if keyword.arg == "default":
                return scope.evaluate_in_module(frame, module, keyword.value)
            if keyword.arg == "default_factory":
                made = {"list": ast.List([], ast.Load()), "dict": ast.Dict([], [])}
                empty = made.get(dotted(keyword.value) or "")
                if empty is not None:
                    ast.copy_location(empty, node)
                    return scope.evaluate_in_module(frame, module, empty)
        return Unknown(why="a field's default")
    return scope.evaluate_in_module(frame, module, node)


def call(frame: Frame, function: Function, arguments: Arguments, origin: Origin) -> Value:
    """Follow a function of the project; its effects on the heap are the caller's."""
    vm, info = frame.vm, function.info
    is_again = info in vm.stack
    if frame.depth >= scope.MAX_DEPTH or is_again or info in vm.large:
        if info not in vm.large:
            # What is answered depends on how one got here, up to where that function began.
            vm.cut = min(vm.cut, vm.stack.index(info) if is_again else 0)
        names = arguments.names() | {info.qualname}
        return Unknown(names, "recursion, deep or large calls", origin)
    vm.visited.add(info)
    known = keys.identify(frame, function, arguments) if vm.memory.is_worth(info) else None
    if known is not None:
        answer = vm.memory.recall(frame, known)
        if answer is not None:
            return answer
    before, cut = fresh_id(), vm.cut
    vm.cut = MAX_CUT
    try:
        result, written = _follow(frame, function, arguments, origin)
    finally:
        inner_cut, vm.cut = vm.cut, min(cut, vm.cut)
    if known is not None:
        if inner_cut < len(vm.stack) or any(number < before for number in written):
            vm.memory.give_up(info)
        else:
            vm.memory.keep(frame, known, result)
    return result


def _follow(
    frame: Frame, function: Function, arguments: Arguments, origin: Origin
) -> tuple[Value, set[int]]:
    """What a function answers, and the cells that it wrote."""
    from metaflow_orchestrator_kit.validate.model.frame import Frame as NewFrame

    vm, info = frame.vm, function.info
    env = binding.bind(frame, function, arguments)
    closure = dict(function.closure or {})
    if function.closure is not None and frame.function is not None:
        closure |= frame.state.env if _encloses(frame.function, info) else {}
    state = frame.state
    shared = State(env, state.heap, state.path, set(), state.base)
    inner = NewFrame(vm, info.module, info, shared, closure)
    inner.depth = frame.depth + 1
    vm.stack.append(info)
    try:
        if isinstance(info.node, ast.Lambda):
            result = inner.evaluate(info.node.body)
            frame.state.heap = inner.state.heap
            return result, shared.written
        if _is_generator(info.module, info.node):
            inner.yields = fresh_id()
            inner.state.store(inner.yields, ListCell((), "generator", origin))
        alive = statements.block(inner, info.node.body)
        result, written = statements.finish(inner, frame.state, alive)
        shared.written |= written
        return Ref(inner.yields) if inner.yields is not None else result, shared.written
    finally:
        vm.stack.pop()
        # The caller has changed what the function has.
        state.written |= shared.written


def _encloses(outer: FunctionInfo, inner: FunctionInfo) -> bool:
    return inner.module is outer.module and inner.qualname.startswith(f"{outer.qualname}.")


def _is_generator(module: Module, node: ast.AST) -> bool:
    nodes = walking.nodes_of(module.tree)
    if not nodes.of(ast.Yield) and not nodes.of(ast.YieldFrom):
        return False
    return _yields(node)


@lru_cache(maxsize=4096)
def _yields(node: ast.AST) -> bool:
    waiting = walking.children(node)
    while waiting:
        current = waiting.pop()
        if isinstance(current, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(
            current, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
        ):
            waiting += walking.children(current)
    return False
