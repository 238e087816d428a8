"""Follows the statements of a function with abstract values.

Every path is taken: where a test cannot be decided, both branches run on copies of the state and
meet again with conditions attached to what only one of them did. Loops over known elements are
unrolled, other loops run once. Work is bounded: a budget of steps for each entry point and for
the whole project, a depth for calls, no recursion.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from metaflow_orchestrator_kit.validate.model import assign, calls, expressions, strings
from metaflow_orchestrator_kit.validate.model.state import (
    State,
    join,
    merge_heaps,
    merge_references,
)
from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Cell,
    Class,
    ClassInfo,
    Cond,
    Conds,
    Const,
    Function,
    FunctionInfo,
    Item,
    ListCell,
    MapCell,
    Origin,
    Ref,
    Text,
    Unknown,
    Value,
    fresh_id,
    names_in,
    options_of,
)
from metaflow_orchestrator_kit.validate.project import Module, Project

_TELLING = re.compile(r"(?<![\w-])(?:step|init|dump)(?![\w-])|METAFLOW_|--run-id")

ENTRY_BUDGET = 60_000
PROJECT_BUDGET = 1_500_000
MAX_CALLS = 10
MAX_UNROLL = 64


class OutOfBudgetError(Exception):
    """An entry point took too many steps to follow."""


@dataclass(frozen=True, slots=True)
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


@dataclass(slots=True)
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
        line = getattr(node, "lineno", 1)
        column = getattr(node, "col_offset", 0) + 1
        end = getattr(node, "end_lineno", None) or line
        return self.vm.place(self.module, line, column, end)

    def cell(self, value: Value) -> Cell | None:
        if not isinstance(value, Ref):
            return None
        return self.state.heap.get(value.cell) or self.vm.globals_heap.get(value.cell)

    def new(self, cell: Cell) -> Ref:
        number = fresh_id()
        self.state.store(number, cell)
        return Ref(number)

    def store(self, ref: Ref, cell: Cell) -> None:
        self.state.store(ref.cell, cell)

    def evaluate(self, node: ast.expr) -> Value:
        return expressions.evaluate(self, node)


class Interpreter:
    """Runs functions of a project abstractly and remembers what they built."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.globals: dict[Module, dict[str, Value]] = {}
        self.globals_heap: dict[int, Cell] = {}
        self.stack: list[FunctionInfo] = []
        self.visited: set[FunctionInfo] = set()
        #: Functions that have nothing to do with commands and are too large to follow anyway.
        self.large: set[FunctionInfo] = set()
        self.texts: list[tuple[Text, dict[int, Cell], FunctionInfo | None]] = []
        self.lists: list[tuple[ListCell, FunctionInfo | None]] = []
        self.maps: list[tuple[MapCell, FunctionInfo | None]] = []
        self.events: list[Event] = []
        self.lost: list[tuple[str, Origin]] = []
        self.budget = 0
        self.spent = 0
        self.fields: dict[tuple[ClassInfo, str], list[Value]] = {}
        self.asked: set[tuple[ClassInfo, str]] = set()
        self.attributes: dict[ClassInfo, dict[str, Value]] = {}
        self.positions: dict[Module, Callable[[int, int], Origin]] = {}
        self.holes: dict[Module, dict[str, Value]] = {}

    def forget(self) -> None:
        """Start over, keeping what is known about the fields of objects."""
        self.globals.clear()
        self.visited.clear()
        for kept in (self.texts, self.lists, self.maps, self.events, self.lost):
            kept.clear()

    # -- entry points ---------------------------------------------------------------------

    def run_module(self, module: Module) -> None:
        """Follow the module's top level; its names become the globals of its functions."""
        if module in self.globals:
            return
        self.globals[module] = dict(self.holes.get(module, {}))
        frame = Frame(self, module, None, State())
        frame.state.env = self.globals[module]
        self._guarded(module.path, lambda: self._top_level(frame))
        self.globals[module] = dict(frame.state.env)
        self.globals_heap.update(frame.state.heap)
        self._collect(frame.state, None)

    def _top_level(self, frame: Frame) -> None:
        for statement in frame.module.tree.body:
            following = self.statement(frame, statement)
            if not following:
                break
            # Functions called meanwhile look globals up here.
            self.globals[frame.module] = frame.state.env
            self.globals_heap.update(frame.state.heap)

    def run_function(self, info: FunctionInfo) -> None:
        """Follow a function whose callers are not known."""
        frame = Frame(self, info.module, info, State())
        receiver: Value | None = None
        if info.owner is not None:
            receiver = calls.instance(frame, info.owner)
        function, anything = Function(info, receiver), calls.Arguments(open_=True)
        origin = frame.origin(info.node)
        self._guarded(info.qualname, lambda: calls.call(frame, function, anything, origin))
        self._collect(frame.state, info)

    def _guarded(self, what: str, action: Callable[[], object]) -> None:
        self.budget = min(ENTRY_BUDGET, PROJECT_BUDGET - self.spent)
        before = self.budget
        depth = len(self.stack)
        try:
            action()
        except OutOfBudgetError:
            self.lost.append((f"{what} takes too many steps to follow", Origin("", 1, 1, 1)))
        except RecursionError:
            self.lost.append((f"{what} is nested too deeply to follow", Origin("", 1, 1, 1)))
        finally:
            del self.stack[depth:]
            self.spent += before - self.budget

    def _collect(self, state: State, function: FunctionInfo | None) -> None:
        for cell in state.heap.values():
            if isinstance(cell, ListCell) and _is_telling(cell):
                self.lists.append((cell, function))
                nested = [i.value for i in cell.items if isinstance(i.value, Ref | Alt)]
                if nested:
                    self._keep(state, nested)
            elif isinstance(cell, MapCell) and cell.entries:
                self.maps.append((cell, function))

    def _keep(self, state: State, values: Sequence[Value]) -> None:
        """Keep lists within lists: they are read after the state is gone."""
        for value in values:
            for _, option in options_of(value):
                if isinstance(option, Ref) and option.cell in state.heap:
                    self.globals_heap.setdefault(option.cell, state.heap[option.cell])

    def step(self) -> None:
        self.budget -= 1
        if self.budget < 0:
            raise OutOfBudgetError

    def place(self, module: Module, line: int, column: int, end_line: int) -> Origin:
        """The origin of a node; nodes of generated code are mapped to the string they are in."""
        mapper = self.positions.get(module)
        if mapper is not None:
            return mapper(line, column)
        return Origin(module.path, line, column, end_line)

    # -- statements -----------------------------------------------------------------------

    def block(self, frame: Frame, body: list[ast.stmt]) -> bool:
        """Follow statements; False when no path reaches the end."""
        return all(self.statement(frame, statement) for statement in body)

    def statement(self, frame: Frame, node: ast.stmt) -> bool:
        self.step()
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
                return self._if(frame, test, body, orelse)
            case ast.For() | ast.AsyncFor():
                return self._for(frame, node)
            case ast.While(test=test, body=body, orelse=orelse):
                frame.evaluate(test)
                self._loop_once(frame, expressions.source(test), lambda: self.block(frame, body))
                return self.block(frame, orelse)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    value_ = frame.evaluate(item.context_expr)
                    if item.optional_vars is not None:
                        assign.assign(frame, item.optional_vars, value_)
                return self.block(frame, body)
            case ast.Try():
                return self._try(frame, node)
            case ast.Match(subject=subject, cases=cases):
                return self._match(frame, subject, cases)
            case ast.Continue():
                if frame.loops:
                    frame.loops[-1].append(frame.state)
                return False
            case ast.Break():
                if frame.breaks:
                    frame.breaks[-1].append(frame.state)
                return False
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define(frame, node)
            case ast.ClassDef():
                frame.state.env[node.name] = Class(calls.class_info(frame, node))
            case ast.Import() | ast.ImportFrom():
                for name in calls.imported(frame, node):
                    frame.state.env.pop(name, None)
            case ast.Delete(targets=targets):
                assign.delete(frame, targets)
            case ast.Assert(test=test):
                frame.evaluate(test)
            case _:
                pass
        return True

    def _define(self, frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if frame.function is None:
            info = frame.module.functions.get(node.name)
            if info is not None and info.node is node:
                frame.state.env[node.name] = Function(info)
                return
        owner = frame.function.owner if frame.function else None
        prefix = f"{frame.function.qualname}." if frame.function else ""
        info = FunctionInfo(node, frame.module, owner, prefix + node.name)
        frame.state.env[node.name] = Function(info, None, frame.state.env)

    def _if(
        self, frame: Frame, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]
    ) -> bool:
        verdict = strings_truth(frame, test)
        if verdict is not None:
            return self.block(frame, body if verdict else orelse)
        cond = self.condition(frame, test)
        start, depth = frame.state, len(frame.state.path)
        frame.state = start.fork(cond)
        after_body = frame.state if self.block(frame, body) else None
        if after_body is not None:
            after_body = frame.state
        frame.state = start.fork(cond.negated())
        after_else = None
        if self.block(frame, orelse):
            after_else = frame.state
        merged = join(after_body, after_else, depth)
        frame.state = merged or start
        return merged is not None

    def condition(self, frame: Frame, test: ast.expr) -> Cond:
        names = {n.id for n in ast.walk(test) if isinstance(n, ast.Name)}
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
        return Cond(text, holds, "own" if own else "if", self._subject(frame, test))

    def _subject(self, frame: Frame, test: ast.expr) -> frozenset[str]:
        """The identifiers that the tested values were made from."""
        names: set[str] = set()
        waiting: list[ast.AST] = [test]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Name | ast.Attribute):
                names |= names_in(frame.evaluate(node))
            elif not isinstance(node, ast.comprehension | ast.Lambda | ast.NamedExpr):
                waiting.extend(ast.iter_child_nodes(node))
        return frozenset(names - {"isinstance", "list", "tuple", "set", "str", "bool", "len"})

    def _for(self, frame: Frame, node: ast.For | ast.AsyncFor) -> bool:
        iterated = frame.evaluate(node.iter)
        frame.breaks.append([])
        self.iterate(
            frame,
            iterated,
            node.target,
            expressions.source(node.iter),
            lambda: self.block(frame, node.body),
        )
        for state in frame.breaks.pop():
            merged = join(state, frame.state, min(len(frame.state.path), len(state.path)))
            frame.state = merged or frame.state
        return self.block(frame, node.orelse)

    def iterate(
        self,
        frame: Frame,
        iterated: Value,
        target: ast.expr,
        text: str,
        body: Callable[[], bool],
    ) -> None:
        """Run *body* once for each known element, and once for all that are not known."""
        items = expressions.elements(frame, iterated)
        if len(items) > MAX_UNROLL:
            items = [Item(Unknown(names_in(iterated)), frame.origin(target), many=True)]
        names = {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
        for item in items:
            depth = len(frame.state.path)
            if item.many:
                self._loop_once(frame, text, lambda it=item: self._bind(frame, target, it, body))  # type: ignore[misc]
                continue
            start = frame.state
            fresh = names - frame.loop_names
            frame.loop_names |= fresh
            if item.conds:
                frame.state = start.fork(*item.conds)
            frame.loops.append([])
            live = self._bind(frame, target, item, body)
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

    def _bind(self, frame: Frame, target: ast.expr, item: Item, body: Callable[[], bool]) -> bool:
        assign.assign(frame, target, item.value)
        return body()

    def _loop_once(self, frame: Frame, text: str, body: Callable[[], bool]) -> None:
        start, depth = frame.state, len(frame.state.path)
        frame.state = start.fork(Cond(text, True, "loop"))
        frame.loops.append([])
        after = frame.state if body() else None
        if after is not None:
            after = frame.state
        for state in frame.loops.pop():
            after = join(after, state, depth + 1)
        frame.state = join(after, start.fork(Cond(text, False, "loop")), depth) or start

    def _try(self, frame: Frame, node: ast.Try) -> bool:
        start, depth = frame.state, len(frame.state.path)
        cond = Cond(f"line {node.lineno}", True, "except")
        frame.state = start.fork(cond.negated())
        live = self.block(frame, node.body) and self.block(frame, node.orelse)
        after = frame.state if live else None
        for handler in node.handlers:
            frame.state = start.fork(cond)
            if self.block(frame, handler.body):
                after = join(after, frame.state, depth)
        frame.state = after or start
        return self.block(frame, node.finalbody) and after is not None

    def _match(self, frame: Frame, subject: ast.expr, cases: list[ast.match_case]) -> bool:
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
            for name in ast.walk(case.pattern):
                bound = getattr(name, "name", None)
                if isinstance(bound, str):
                    frame.state.env[bound] = Unknown(frozenset({bound}), "a match pattern")
            if self.block(frame, case.body):
                after = join(after, frame.state, depth)
            negatives = (*negatives, cond.negated())
            complete |= isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
        if not complete:
            after = join(after, start.fork(*negatives), depth)
        frame.state = after or start
        return after is not None

    def finish(self, frame: Frame, caller: State, fell_through: bool) -> Value:
        """The value and heap after a call, over all its returns."""
        exits = list(frame.exits)
        if fell_through:
            exits.append((frame.state, Const(None)))
        if not exits:
            return Unknown(why="never returns")
        depth = len(caller.path)
        state, value = exits[0]
        conds = state.path[depth:]
        merged = State({}, dict(state.heap), caller.path, state.written_since(depth), caller.base)
        for later, result in exits[1:]:
            others = later.path[depth:]
            changed = later.written_since(depth) | merged.written
            merged.heap = merge_heaps(merged.heap, conds, later.heap, others, changed)
            merged.written = changed
            value = merge_references(merged, value, conds, result, others)
            conds = ()
        caller.heap = merged.heap
        caller.written |= merged.written
        return value


def _is_telling(cell: ListCell) -> bool:
    """Whether a list may be (part of) a command, a variable or a program."""
    return any(
        _TELLING.search(option.skeleton())
        for item in cell.items
        for _, option in options_of(item.value)
        if isinstance(option, Text)
    )


def strings_truth(frame: Frame, test: ast.expr) -> bool | None:
    """Whether *test* holds, when that is certain from what is known."""
    return expressions.decide(frame, test)


__all__ = ["Event", "Frame", "Interpreter", "OutOfBudgetError", "strings"]
