"""Arguments, and the parameters that they become."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate.model import scope
from metaflow_orchestrator_kit.validate.model.values import (
    Conds,
    Entry,
    Function,
    FunctionInfo,
    Item,
    ListCell,
    MapCell,
    Origin,
    Unknown,
    Value,
    fresh_id,
    names_in,
    text_of,
)
from metaflow_orchestrator_kit.validate.project import dotted
from metaflow_orchestrator_kit.validate.records import field, record

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.frame import Frame


@record(frozen=False)
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


def bind(frame: Frame, function: Function, arguments: Arguments) -> dict[str, Value]:
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
            env[name] = _passed(frame, info, name, positional[known].value)
            known += 1
        else:
            break
    left = positional[known:]
    keywords = dict(arguments.keywords)
    for name in (*names, *(a.arg for a in node.kwonlyargs)):
        if name in keywords and name not in env:
            env[name] = _passed(frame, info, name, keywords.pop(name)[0])
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
            env[name] = scope.evaluate_in_module(frame, info.module, defaults[name])
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


def _passed(frame: Frame, info: FunctionInfo, name: str, value: Value) -> Value:
    """What a parameter holds: where the caller's value says nothing, its annotation may."""
    if not isinstance(value, Unknown):
        return value
    declared = _parameter(frame, info, name)
    return value if isinstance(declared, Unknown) else declared


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
                return scope.instance(frame, cls)
    return Unknown(frozenset({name}), f"the parameter {name}")
