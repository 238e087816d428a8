"""What names and attributes mean, across the modules and classes of the project."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate.model import binding, calls, containers, expressions, fields
from metaflow_orchestrator_kit.validate.model.state import State, merge_values
from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Bound,
    Class,
    ClassInfo,
    Const,
    Function,
    FunctionInfo,
    ListCell,
    ModuleValue,
    ObjectCell,
    Unknown,
    Value,
    names_in,
)
from metaflow_orchestrator_kit.validate.project import Module, dotted, record_import

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.frame import Frame

#: Calls within calls that are followed.
MAX_DEPTH = 24


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
    if isinstance(cell, ListCell) and attr in ("append", "extend", "add"):
        return Bound(receiver, attr)
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


def decorators(info: FunctionInfo) -> set[str]:
    nodes = getattr(info.node, "decorator_list", [])
    return {(dotted(d) or "").rpartition(".")[2] for d in nodes}


def _class_attribute(
    frame: Frame, cls: ClassInfo, attr: str, receiver: Value | None, node: ast.AST
) -> Value | None:
    info = find_method(frame, cls, attr)
    if info is not None:
        kinds = decorators(info)
        if kinds & {"property", "cached_property"}:
            if receiver is None:
                return None
            return calls.call(
                frame, Function(info, receiver), binding.Arguments(), frame.origin(node)
            )
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
                return evaluate_in_module(frame, known.module, value)
    if receiver is not None:
        return _instance_attributes(frame, cls).get(attr)
    return None


def _is_field(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.AnnAssign) and "ClassVar" not in expressions.source(
        statement.annotation
    )


def evaluate_in_module(frame: Frame, module: Module, node: ast.expr) -> Value:
    from metaflow_orchestrator_kit.validate.model.frame import Frame as NewFrame

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
    calls.call(
        frame, Function(info, receiver), binding.Arguments(open_=True), frame.origin(cls.node)
    )
    cell = frame.cell(receiver)
    if isinstance(cell, ObjectCell):
        vm.attributes[cls] = dict(cell.attrs)
        vm.globals_heap.update(containers.snapshot(frame, list(cell.attrs.values())))
    return vm.attributes[cls]


def instance(frame: Frame, cls: ClassInfo) -> Value:
    """An object of the class that was made we do not know how."""
    return frame.new(ObjectCell(cls, {}, frame.origin(cls.node)))
