"""One function being followed, and what happens in it that rules may ask about."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from metaflow_orchestrator_kit.validate.model import expressions
from metaflow_orchestrator_kit.validate.model.state import (
    State,
)
from metaflow_orchestrator_kit.validate.model.values import (
    Cell,
    Conds,
    FunctionInfo,
    Item,
    Origin,
    Ref,
    Value,
    fresh_id,
)
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.records import field, record

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.interpreter import Interpreter


@record()
class Event:
    """Something that happened and that a rule may ask about.

    kind: ``call`` (of something outside the project), ``setattr``, ``setitem`` (on something that
    is not a known mapping). ``cells`` is the heap at that moment, for the Refs among the values.
    """

    kind: str
    name: str
    receiver: Value | None
    args: tuple[Item, ...]
    kwargs: tuple[tuple[str, Value, Conds, Origin], ...]
    origin: Origin
    function: FunctionInfo | None
    conds: Conds
    cells: Mapping[int, Cell]


@record(frozen=False)
class Frame:
    """One function being followed."""

    vm: Interpreter
    module: Module
    function: FunctionInfo | None
    state: State
    closure: Mapping[str, Value] = field(default_factory=dict)
    depth: int = 0
    exits: list[tuple[State, Value]] = field(default_factory=list)
    loops: list[list[State]] = field(default_factory=list)
    breaks: list[list[State]] = field(default_factory=list)
    loop_names: set[str] = field(default_factory=set)
    yields: int | None = None

    def origin(self, node: ast.AST) -> Origin:
        module = self.module
        known: tuple[Module, Origin] | None = getattr(node, "_mok_origin", None)
        if known is not None and known[0] is module:
            return known[1]
        origin = self._origin(node, module)
        node._mok_origin = module, origin  # type: ignore[attr-defined]
        return origin

    def _origin(self, node: ast.AST, module: Module) -> Origin:
        line: int = getattr(node, "lineno", 1)
        column = getattr(node, "col_offset", 0) + 1 if module.is_ascii else module.column(node)
        mapper = self.vm.positions.get(module)
        if mapper is not None:  # Generated code: the string that it is in.
            return mapper(line, column)
        return Origin(module.path, line, column, getattr(node, "end_lineno", None) or line)

    def cell(self, value: Value) -> Cell | None:
        if not isinstance(value, Ref):
            return None
        number = value.cell
        return self.state.heap.get(number) or self.vm.globals_heap.get(number)

    def new(self, cell: Cell) -> Ref:
        number = fresh_id()
        self.state.store(number, cell)
        return Ref(number)

    def store(self, ref: Ref, cell: Cell) -> None:
        self.state.store(ref.cell, cell)

    def evaluate(self, node: ast.expr) -> Value:
        return expressions.evaluate(self, node)
