"""Names, attributes and calls: within the project they are followed, outside they are recorded."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate.model import builtins, expressions, fields
from metaflow_orchestrator_kit.validate.model.state import State, merge_values
from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Class,
    ClassInfo,
    Conds,
    Const,
    Entry,
    Function,
    FunctionInfo,
    Item,
    ListCell,
    MapCell,
    ModuleValue,
    ObjectCell,
    Origin,
    Ref,
    Unknown,
    Value,
    fresh_id,
    key_of,
    names_in,
    text_of,
)
from metaflow_orchestrator_kit.validate.project import Module, dotted, record_import

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.interpreter import Frame

MAX_DEPTH = 10
_COMMON_METHODS = frozenset(
    {
        "add", "append", "call", "close", "copy", "create", "delete", "execute", "extend",
        "format", "get", "items", "join", "keys", "load", "main", "name", "pop", "read", "run",
        "save", "start", "status", "stop", "trigger", "update", "values", "wait", "write",
    }
)  # fmt: skip


@dataclass(slots=True)
class Arguments:
    """What a call passes; ``open_`` means that more may be passed that is not seen."""

    positional: list[Item] = field(default_factory=list)
    keywords: dict[str, tuple[Value, Conds, Origin]] = field(default_factory=dict)
    rest: list[Entry] = field(default_factory=list)
    open_: bool = False

    def names(self) -> frozenset[str]:
        found = [names_in(i.value) for i in self.positional]
        found += [names_in(v) for v, _, _ in self.keywords.values()]
        found += [names_in(e.value) for e in self.rest]
        return frozenset[str]().union(*found)

    def first(self) -> Value | None:
        return self.positional[0].value if self.positional else None


# -- names ------------------------------------------------------------------------------------


def lookup(frame: Frame, name: str) -> Value:
    """The value of a name: local, enclosing, global, imported, builtin."""
    for scope in (frame.state.env, frame.closure):
        if name in scope:
            return scope[name]
    found = module_name(frame, frame.module, name)
    return found if found is not None else Unknown(frozenset({name}), "an unknown name")


def module_name(frame: Frame, module: Module, name: str, seen: int = 0) -> Value | None:
    """What *name* means at the top level of *module*."""
    vm = frame.vm
    if module in vm.globals and name in vm.globals[module]:
        return vm.globals[module][name]
    if module not in vm.globals and len(vm.stack) < 4 and not module.outside:
        _run_module_within(frame, module)
        if name in vm.globals[module]:
            return vm.globals[module][name]
    if name in module.functions:
        return Function(module.functions[name])
    if name in module.classes:
        return Class(module.classes[name])
    if name in module.imports and seen < 8:
        base, attribute = module.imports[name]
        return _imported_value(frame, module, base, attribute, seen)
    for star in module.stars if seen < 4 else ():
        target = vm.project.find_module(star, module)
        if target is not None and target is not module:
            value = module_name(frame, target, name, seen + 1)
            if value is not None:
                return value
    return None


def _run_module_within(frame: Frame, module: Module) -> None:
    """Follow an imported module's top level, on the budget of the importer."""
    vm = frame.vm
    budget, spent = vm.budget, vm.spent
    vm.run_module(module)
    vm.budget = max(min(budget, budget - (vm.spent - spent) // 4), 0)


def _imported_value(
    frame: Frame, module: Module, base: str, attribute: str | None, seen: int
) -> Value:
    project = frame.vm.project
    if attribute is None:
        return ModuleValue(base, project.find_module(base, module))
    target = project.find_module(base, module)
    if target is not None and target is not module:
        value = module_name(frame, target, attribute, seen + 1)
        if value is not None:
            return value
    inner = project.find_module(f"{base}.{attribute}", module)
    if inner is not None:
        return ModuleValue(f"{base}.{attribute}", inner)
    return ModuleValue(f"{base}.{attribute}" if base else attribute)


def imported(frame: Frame, node: ast.Import | ast.ImportFrom) -> list[str]:
    """Make an import inside a function known; answers the names that it binds."""
    record_import(frame.module, node)
    return [a.asname or a.name.partition(".")[0] for a in node.names if a.name != "*"]


def class_info(frame: Frame, node: ast.ClassDef) -> ClassInfo:
    known = frame.module.classes.get(node.name)
    if known is not None and known.node is node:
        return known
    return ClassInfo(node, frame.module, tuple(b for b in map(dotted, node.bases) if b))


# -- attributes -------------------------------------------------------------------------------


def attribute(frame: Frame, receiver: Value, attr: str, node: ast.AST) -> Value:
    """``receiver.attr``."""
    origin = frame.origin(node)
    if isinstance(receiver, Alt):
        # None has no attributes: that alternative ends in an error, not in a value.
        solid = [(c, v) for c, v in receiver.options if not isinstance(v, Const)]
        results = [(c, attribute(frame, v, attr, node)) for c, v in solid]
        if len(results) == 1:
            return results[0][1]
        if not results:
            return Unknown(frozenset({attr}), f"the attribute {attr}", origin)
        value, conds = results[0][1], results[0][0]
        for other_conds, other in results[1:]:
            value = merge_values(value, conds, other, other_conds)
            conds = ()
        return value
    if isinstance(receiver, ModuleValue):
        if receiver.module is not None:
            value_ = module_name(frame, receiver.module, attr)
            if value_ is not None:
                return value_
        inner = frame.vm.project.find_module(f"{receiver.name}.{attr}", frame.module)
        return ModuleValue(f"{receiver.name}.{attr}", inner)
    cell = frame.cell(receiver)
    if isinstance(cell, ObjectCell):
        stored = fields.stored(frame, cell.cls, attr, cell.attrs.get(attr))
        if stored is not None:
            return stored
        if attr in cell.attrs:
            return cell.attrs[attr]
        if cell.cls is not None:
            found = _class_attribute(frame, cell.cls, attr, receiver, node)
            if found is not None:
                return found
    if isinstance(receiver, Class):
        found = _class_attribute(frame, receiver.info, attr, None, node)
        if found is not None:
            return found
    return Unknown(names_in(receiver) | {attr}, f"the attribute {attr}", origin)


@lru_cache(maxsize=4096)
def methods(cls: ClassInfo) -> Mapping[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    return {
        n.name: n for n in cls.node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def find_method(frame: Frame, cls: ClassInfo, name: str) -> FunctionInfo | None:
    """The method of that name, in the class or in a base within the project."""
    for known in frame.vm.project.ancestry(cls):
        node = methods(known).get(name)
        if node is not None:
            return FunctionInfo(node, known.module, known, f"{known.name}.{name}")
    return None


def _decorators(info: FunctionInfo) -> set[str]:
    nodes = getattr(info.node, "decorator_list", [])
    return {(dotted(d) or "").rpartition(".")[2] for d in nodes}


def _class_attribute(
    frame: Frame, cls: ClassInfo, attr: str, receiver: Value | None, node: ast.AST
) -> Value | None:
    info = find_method(frame, cls, attr)
    if info is not None:
        kinds = _decorators(info)
        if kinds & {"property", "cached_property"}:
            if receiver is None:
                return None
            return call(frame, Function(info, receiver), Arguments(), frame.origin(node))
        if "staticmethod" in kinds:
            return Function(info)
        if "classmethod" in kinds:
            return Function(info, receiver or Class(cls))
        return Function(info, receiver)
    for known in frame.vm.project.ancestry(cls):
        for statement in known.node.body:
            targets: Sequence[ast.expr] = ()
            value: ast.expr | None = None
            if isinstance(statement, ast.Assign):
                targets, value = statement.targets, statement.value
            elif isinstance(statement, ast.AnnAssign):
                targets, value = (statement.target,), statement.value
            if not any(isinstance(t, ast.Name) and t.id == attr for t in targets):
                continue
            if receiver is not None and _is_field(statement):
                # The default of a field says nothing about an object made elsewhere.
                return Unknown(frozenset({attr}), f"the field {attr}", frame.origin(node))
            if value is not None:
                return _evaluate_in_module(frame, known.module, value)
    if receiver is not None:
        return _instance_attributes(frame, cls).get(attr)
    return None


def _is_field(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.AnnAssign) and "ClassVar" not in expressions.source(
        statement.annotation
    )


def _evaluate_in_module(frame: Frame, module: Module, node: ast.expr) -> Value:
    from metaflow_orchestrator_kit.validate.model.interpreter import Frame as NewFrame

    state = frame.state
    shared = State({}, state.heap, state.path, state.written, state.base)
    inner = NewFrame(frame.vm, module, None, shared)
    inner.depth = frame.depth + 1
    if inner.depth > MAX_DEPTH:
        return Unknown(why="too deep")
    value = inner.evaluate(node)
    frame.state.heap = inner.state.heap
    return value


def _instance_attributes(frame: Frame, cls: ClassInfo) -> Mapping[str, Value]:
    """What ``__init__`` leaves on ``self`` when its arguments are not known."""
    vm = frame.vm
    if cls in vm.attributes:
        return vm.attributes[cls]
    vm.attributes[cls] = {}
    info = find_method(frame, cls, "__init__")
    if info is None or info in vm.stack or frame.depth >= MAX_DEPTH:
        return {}
    receiver = frame.new(ObjectCell(cls, {}, frame.origin(cls.node)))
    call(frame, Function(info, receiver), Arguments(open_=True), frame.origin(cls.node))
    cell = frame.cell(receiver)
    if isinstance(cell, ObjectCell):
        vm.attributes[cls] = dict(cell.attrs)
        vm.globals_heap.update(expressions.snapshot(frame, list(cell.attrs.values())))
    return vm.attributes[cls]


def instance(frame: Frame, cls: ClassInfo) -> Value:
    """An object of the class that was made we do not know how."""
    return frame.new(ObjectCell(cls, {}, frame.origin(cls.node)))


# -- calls ------------------------------------------------------------------------------------


def call_node(frame: Frame, node: ast.Call) -> Value:
    """The value of a call expression."""
    receiver: Value | None = None
    if isinstance(node.func, ast.Attribute):
        receiver = frame.evaluate(node.func.value)
        callee = attribute(frame, receiver, node.func.attr, node.func)
        name = node.func.attr
    else:
        callee = frame.evaluate(node.func)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
    arguments = _arguments(frame, node)
    origin = frame.origin(node)
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
    expressions.record(
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
        if literal is not None and re.fullmatch(r"[\w.~/-]{1,60}", literal):
            names |= {literal}
    return Unknown(names, f"what {name or 'a call'}() returns", frame.origin(node))


def _guess_method(frame: Frame, name: str, receiver: Value | None) -> Function | None:
    """A method called on something unknown, when only one class of the project has it."""
    if receiver is None or not isinstance(receiver, Unknown) or name in _COMMON_METHODS:
        return None
    found = [
        FunctionInfo(node, cls.module, cls, f"{cls.name}.{name}")
        for cls in frame.vm.project.classes()
        if (node := methods(cls).get(name)) is not None
    ]
    if len(found) != 1 or _decorators(found[0]) & {"property", "staticmethod"}:
        return None
    owner = found[0].owner
    return Function(found[0], instance(frame, owner)) if owner is not None else None


def _arguments(frame: Frame, node: ast.Call) -> Arguments:
    arguments = Arguments()
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            value = frame.evaluate(argument.value)
            arguments.positional.extend(expressions.elements(frame, value, frame.origin(argument)))
        else:
            value = frame.evaluate(argument)
            arguments.positional.append(Item(value, frame.origin(argument), (), fresh_id()))
    for keyword in node.keywords:
        value = frame.evaluate(keyword.value)
        origin = frame.origin(keyword.value)
        if keyword.arg is not None:
            arguments.keywords[keyword.arg] = (value, (), origin)
            continue
        for entry in expressions.entries(frame, value, origin):
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
    init = find_method(frame, cls, "__init__")
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
                return _evaluate_in_module(frame, module, keyword.value)
            if keyword.arg == "default_factory":
                made = {"list": ast.List([], ast.Load()), "dict": ast.Dict([], [])}
                empty = made.get(dotted(keyword.value) or "")
                if empty is not None:
                    ast.copy_location(empty, node)
                    return _evaluate_in_module(frame, module, empty)
        return Unknown(why="a field's default")
    return _evaluate_in_module(frame, module, node)


def call(frame: Frame, function: Function, arguments: Arguments, origin: Origin) -> Value:
    """Follow a function of the project; its effects on the heap are the caller's."""
    from metaflow_orchestrator_kit.validate.model.interpreter import Frame as NewFrame

    vm, info = frame.vm, function.info
    if frame.depth >= MAX_DEPTH or info in vm.stack or info in vm.large:
        names = arguments.names() | {info.qualname}
        return Unknown(names, "recursion, deep or large calls", origin)
    vm.visited.add(info)
    env = _bind(frame, function, arguments)
    closure = dict(function.closure or {})
    if function.closure is not None and frame.function is not None:
        closure |= frame.state.env if _encloses(frame.function, info) else {}
    state = frame.state
    # The caller's record of changes is shared until the function takes a branch.
    shared = State(env, state.heap, state.path, state.written, state.base)
    inner = NewFrame(vm, info.module, info, shared, closure)
    inner.depth = frame.depth + 1
    vm.stack.append(info)
    try:
        if isinstance(info.node, ast.Lambda):
            result = inner.evaluate(info.node.body)
            frame.state.heap = inner.state.heap
            return result
        if _is_generator(info.node):
            inner.yields = fresh_id()
            inner.state.store(inner.yields, ListCell((), "generator", origin))
        alive = vm.block(inner, info.node.body)
        result = vm.finish(inner, frame.state, alive)
        return Ref(inner.yields) if inner.yields is not None else result
    finally:
        vm.stack.pop()


def _encloses(outer: FunctionInfo, inner: FunctionInfo) -> bool:
    return inner.module is outer.module and inner.qualname.startswith(f"{outer.qualname}.")


@lru_cache(maxsize=4096)
def _is_generator(node: ast.AST) -> bool:
    waiting = list(ast.iter_child_nodes(node))
    while waiting:
        current = waiting.pop()
        if isinstance(current, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(
            current, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
        ):
            waiting.extend(ast.iter_child_nodes(current))
    return False


def _bind(frame: Frame, function: Function, arguments: Arguments) -> dict[str, Value]:
    """The parameters' values inside the function."""
    node, info = function.info.node.args, function.info
    env: dict[str, Value] = {}
    positional = list(arguments.positional)
    if function.receiver is not None:
        positional.insert(0, Item(function.receiver, frame.origin(info.node), (), fresh_id()))
    names = [a.arg for a in (*node.posonlyargs, *node.args)]
    known = 0
    for name in names:
        if known < len(positional) and not positional[known].many:
            env[name] = positional[known].value
            known += 1
        else:
            break
    left = positional[known:]
    keywords = dict(arguments.keywords)
    for name in (*names, *(a.arg for a in node.kwonlyargs)):
        if name in keywords and name not in env:
            env[name] = keywords.pop(name)[0]
    defaults: dict[str, ast.expr] = dict(
        zip(reversed(names), reversed(node.defaults), strict=False)
    )
    for a, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        if default is not None:
            defaults[a.arg] = default
    for name in (*names, *(a.arg for a in node.kwonlyargs)):
        if name in env:
            continue
        if name in defaults and not arguments.open_:
            env[name] = _evaluate_in_module(frame, info.module, defaults[name])
        else:
            env[name] = _parameter(frame, info, name)
    origin = frame.origin(info.node)
    if node.vararg is not None:
        if arguments.open_ and not left:
            unknown = Unknown(frozenset({node.vararg.arg}), f"the parameter *{node.vararg.arg}")
            left = [Item(unknown, origin, (), fresh_id(), many=True)]
        env[node.vararg.arg] = frame.new(ListCell(tuple(left), "tuple", origin))
    if node.kwarg is not None:
        entries = [Entry(text_of(k, o), v, o, c, fresh_id()) for k, (v, c, o) in keywords.items()]
        entries.extend(arguments.rest)
        if arguments.open_ and not arguments.rest:
            unknown = Unknown(frozenset({node.kwarg.arg}), f"the parameter **{node.kwarg.arg}")
            entries.append(Entry(None, unknown, origin, (), fresh_id()))
        env[node.kwarg.arg] = frame.new(MapCell(tuple(entries), origin))
    return env


def _parameter(frame: Frame, info: FunctionInfo, name: str) -> Value:
    """A parameter that nobody is seen to pass: an object, when its annotation names a class."""
    node = info.node.args
    for parameter in (*node.posonlyargs, *node.args, *node.kwonlyargs):
        if parameter.arg == name and parameter.annotation is not None:
            annotation = parameter.annotation
            written = annotation.value if isinstance(annotation, ast.Constant) else None
            text = written if isinstance(written, str) else dotted(annotation)
            cls = frame.vm.project.resolve_class(text, info.module) if text else None
            if cls is not None:
                return instance(frame, cls)
    return Unknown(frozenset({name}), f"the parameter {name}")
