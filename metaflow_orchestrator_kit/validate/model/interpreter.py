"""Follows the statements of a function with abstract values.

Every path is taken: where a test cannot be decided, both branches run on copies of the state and
meet again with conditions attached to what only one of them did. Loops over known elements are
unrolled, other loops run once. Work is bounded: a budget of steps for each entry point and for
the whole project, a depth for calls, no recursion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from metaflow_orchestrator_kit.validate.model import binding, calls, scope, statements
from metaflow_orchestrator_kit.validate.model.frame import Event, Frame
from metaflow_orchestrator_kit.validate.model.memory import Memory
from metaflow_orchestrator_kit.validate.model.state import State
from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Cell,
    ClassInfo,
    Function,
    FunctionInfo,
    ListCell,
    MapCell,
    Origin,
    Ref,
    Text,
    Value,
    options_of,
)
from metaflow_orchestrator_kit.validate.project import Module, Project
from metaflow_orchestrator_kit.validate.records import regex

_TELLING = regex(r"(?<![\w-])(?:step|init|dump)(?![\w-])|METAFLOW_|--run-id")

ENTRY_BUDGET = 60_000
PROJECT_BUDGET = 1_500_000
MAX_CALLS = 10
MAX_UNROLL = 64


class OutOfBudgetError(Exception):
    """An entry point took too many steps to follow."""


class Interpreter:
    """Runs functions of a project abstractly and remembers what they built."""

    #: Whether a mistake of the model itself ends the run; for the project's own tests.
    raise_errors = False

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
        #: The identifiers from which the fields of a name were made, wherever an object was.
        self.filled: dict[str, set[str]] = {}
        self.attributes: dict[ClassInfo, dict[str, Value]] = {}
        self.positions: dict[Module, Callable[[int, int], Origin]] = {}
        self.holes: dict[Module, dict[str, Value]] = {}
        self.memory = Memory()
        self._methods: dict[str, list[FunctionInfo]] = {}
        #: The outermost call, by its place on the stack, that a recursion was cut short at.
        self.cut = calls.MAX_CUT

    def forget(self) -> None:
        """Start over, keeping what is known about the fields of objects."""
        self.globals.clear()
        self.visited.clear()
        self.memory.forget()
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
            following = statements.statement(frame, statement)
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
            receiver = scope.instance(frame, info.owner)
        function, anything = Function(info, receiver), binding.Arguments(open_=True)
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
        except Exception as error:
            # One construct that the model mistakes must not cost the rest of the report.
            if self.raise_errors:
                raise
            text = f"{what} could not be followed ({type(error).__name__}: {error})"
            self.lost.append((text, Origin("", 1, 1, 1)))
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

    def step(self, count: int = 1) -> None:
        """Note that work was done.

        Raises:
            OutOfBudgetError: it is more than one entry point, or the project, may take.
        """
        self.budget -= count
        if self.budget < 0:
            raise OutOfBudgetError

    def methods_called(self, name: str) -> list[FunctionInfo]:
        """The methods of that name, over all classes of the project."""
        if not self._methods:
            for cls in self.project.classes():
                for known, node in scope.methods(cls).items():
                    info = FunctionInfo(node, cls.module, cls, f"{cls.name}.{known}")
                    self._methods.setdefault(known, []).append(info)
        return self._methods.get(name, [])


def _is_telling(cell: ListCell) -> bool:
    """Whether a list may be (part of) a command, a variable or a program."""
    return any(
        _TELLING.search(option.skeleton())
        for item in cell.items
        for _, option in options_of(item.value)
        if isinstance(option, Text)
    )
