"""Everything the rules may ask: the project, its commands, environments and events."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from metaflow_orchestrator_kit.validate import argv, documents, env, generated
from metaflow_orchestrator_kit.validate.model.frame import Event
from metaflow_orchestrator_kit.validate.model.interpreter import Interpreter
from metaflow_orchestrator_kit.validate.model.scope import methods
from metaflow_orchestrator_kit.validate.model.values import (
    Cell,
    FunctionInfo,
    Origin,
    Text,
    Value,
)
from metaflow_orchestrator_kit.validate.project import Module, Project, load
from metaflow_orchestrator_kit.validate.records import field, record, regex
from metaflow_orchestrator_kit.validate.relevance import irrelevant, is_small
from metaflow_orchestrator_kit.validate.sources import Problem
from metaflow_orchestrator_kit.validate.templates import read_template

MAX_GENERATED = 200
MAX_VARIANTS = 3
_COMMAND_WORD = regex(r"(?<![\w-])(?:step|init|dump)(?![\w-])")


@record(frozen=False)
class Analysis:
    """The facts about an extension."""

    project: Project
    commands: list[argv.Command] = field(default_factory=list)
    environment: list[env.EnvWrite] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    generated: list[Module] = field(default_factory=list)
    lost: list[tuple[str, Origin]] = field(default_factory=list)
    cells: dict[int, Cell] = field(default_factory=dict)
    positions: dict[Module, Callable[[int, int], Origin]] = field(default_factory=dict)
    holes: dict[Module, dict[str, Value]] = field(default_factory=dict)
    filled: Mapping[str, set[str]] = field(default_factory=dict)
    steps: int = 0
    """How much work it was to follow the code; bounded by `interpreter.PROJECT_BUDGET`."""
    memo: dict[str, object] = field(default_factory=dict)
    """What helpers of the rules have worked out once for all of them."""

    def made_from(self, names: Iterable[str]) -> frozenset[str]:
        """These identifiers, and those from which the fields of that name were filled.

        What one process puts into a plan, another reads from it: ``step.specs`` was made from
        whatever ``Step(specs=...)`` got, wherever that is.
        """
        known: set[str] = set()
        waiting = set(names)
        for _ in range(3):
            known |= waiting
            waiting = set().union(*(self.filled.get(n, set()) for n in waiting)) - known
        return frozenset(known)

    def place(self, module: Module, node: ast.AST) -> Origin:
        """Where *node* was written; for generated code, in the string that it comes from."""
        line = getattr(node, "lineno", 1)
        column = module.column(node)
        mapper = self.positions.get(module)
        if mapper is not None:
            return mapper(line, column)
        return Origin(module.path, line, column, getattr(node, "end_lineno", None) or line)

    def of_kind(self, *kinds: str) -> list[argv.Command]:
        """The commands of these kinds."""
        return [c for c in self.commands if c.kind in kinds]

    def module(self, path: str) -> Module | None:
        """The file of that path, when it is one of the project's modules."""
        return next((m for m in self.project.modules if m.path == path), None)

    def modules(self) -> Iterator[Module]:
        yield from self.project.modules
        yield from self.generated

    def has_code(self) -> bool:
        """Whether there is anything but comments and docstrings."""
        return any(
            not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
            for m in self.project.modules
            for n in m.tree.body
        )

    def calls(self, *names: str) -> list[Event]:
        """Calls of things outside the project, by the last part of their name."""
        return [e for e in self.events if e.kind == "call" and e.name.rpartition(".")[2] in names]


def analyse(directory: Path) -> Analysis:
    """Read and follow the extension(s) under *directory*."""
    project = load(directory)
    vm = Interpreter(project)
    analysis = Analysis(project)
    _follow(vm, project.modules)
    if vm.asked & vm.fields.keys():
        # A field was read before, or elsewhere than, the object was made: now it is known.
        vm.forget()
        _follow(vm, project.modules)
    _follow_generated(vm, analysis)
    _follow_templates(vm, analysis)
    analysis.cells = vm.globals_heap
    analysis.positions = vm.positions
    analysis.holes = vm.holes
    analysis.filled = vm.filled
    analysis.events = _unique_events(vm.events)
    analysis.lost = vm.lost
    analysis.steps = vm.spent
    analysis.commands = argv.maximal(list(_commands(vm)))
    analysis.environment = _unique_writes(_writes(vm, analysis.events))
    analysis.texts = [t for t, _, _ in vm.texts]
    return analysis


def _functions(modules: Iterable[Module]) -> list[FunctionInfo]:
    found: list[FunctionInfo] = []
    for module in modules:
        found.extend(module.functions.values())
        for cls in module.classes.values():
            found.extend(
                FunctionInfo(node, module, cls, f"{cls.name}.{name}")
                for name, node in methods(cls).items()
            )
    return found


def _follow(vm: Interpreter, modules: list[Module]) -> None:
    """Follow top levels, then functions nobody in the project calls, then what is left."""
    for module in modules:
        vm.run_module(module)
    functions = _functions(modules)
    referenced = {name for module in modules for name in module.references}
    left_out = irrelevant(functions, (c.name for c in vm.project.classes()))
    vm.large |= {i for i in left_out if not is_small(i.node)}
    aside_from = set(left_out)
    functions = [i for i in functions if i not in aside_from]
    for info in functions:
        if info.qualname.rpartition(".")[2] not in referenced:
            vm.run_function(info)
    for info in functions:
        if info not in vm.visited:
            vm.run_function(info)


def _follow_generated(vm: Interpreter, analysis: Analysis) -> None:
    """Programs inside strings, the largest first; a part of one that parsed is not read again."""
    tried = 0
    read: list[frozenset[Origin]] = []
    unfit: dict[frozenset[Origin], int] = {}
    done = 0
    for _round in range(2):
        found = vm.texts[done:]
        done = len(vm.texts)
        candidates: list[tuple[Text, Mapping[int, Cell]]] = [
            (t, c) for t, c, _ in found if generated.looks_like_code(t)
        ]
        candidates.extend(_line_lists(vm))
        # What was formatted or joined comes before the pieces that it was made from.
        candidates.sort(key=lambda c: (-len({p.uid for p in c[0].parts}), -len(c[0].skeleton())))
        fresh: list[Module] = []
        for text, cells in candidates:
            places = frozenset(p.origin for p in text.parts if isinstance(p.content, str))
            # The same lines may be put together in several ways; a few of them tell enough.
            covering = sum(places <= known for known in read)
            if covering >= (1 if any(places < known for known in read) else MAX_VARIANTS):
                continue
            if tried >= MAX_GENERATED:
                break
            if unfit.get(places, 0) >= MAX_VARIANTS:
                continue
            tried += 1
            program = generated.parse(text, tried)
            if program is None:
                unfit[places] = unfit.get(places, 0) + 1
                continue
            read.append(places)
            _install(vm, program, cells)
            fresh.append(program.module)
        analysis.generated.extend(fresh)
        _follow(vm, fresh)


def _install(vm: Interpreter, program: generated.Generated, cells: Mapping[int, Cell]) -> None:
    vm.positions[program.module] = program.place
    vm.globals_heap.update({n: c for n, c in cells.items() if n not in vm.globals_heap})
    vm.holes[program.module] = program.names


def _line_lists(vm: Interpreter) -> Iterator[tuple[Text, Mapping[int, Cell]]]:
    for cell, _ in vm.lists:
        texts = [i.value for i in cell.items if isinstance(i.value, Text)]
        if len(texts) >= 3 and len(texts) * 2 >= len(cell.items):
            joined = generated.code_lines(texts, cell.origin)
            if joined is not None:
                yield joined, {}


def _follow_templates(vm: Interpreter, analysis: Analysis) -> None:
    project = analysis.project
    for path in project.templates:
        relative = path.relative_to(project.root).as_posix()
        try:
            text = read_template(path, relative)
        except ValueError as error:
            project.problems.append(Problem(relative, str(error)))
            continue
        vm.texts.append((text, {}, None))
        if generated.looks_like_code(text):
            program = generated.parse(text, len(analysis.generated) + 1000)
            if program is not None:
                _install(vm, program, {})
                analysis.generated.append(program.module)
                _follow(vm, [program.module])


def _commands(vm: Interpreter) -> Iterator[argv.Command]:
    cells: dict[int, Cell] = dict(vm.globals_heap)
    for cell, function in vm.lists:
        yield from argv.commands_in(
            argv.tokens_of_items(cell.items, cells), function, cells, from_list=True
        )
    for text, own, function in vm.texts:
        if _COMMAND_WORD.search(text.skeleton(" ")):
            heap = {**cells, **own} if own else cells
            words = argv.tokens_of_text(documents.flattened(text), heap)
            yield from argv.commands_in(words, function, heap)


def _writes(vm: Interpreter, events: list[Event]) -> Iterator[env.EnvWrite]:
    for cell, function in vm.maps:
        yield from env.writes_in_map(cell, function)
    for items, function in vm.lists:
        yield from env.writes_in_list(items, function)
    for text, _, function in vm.texts:
        yield from env.writes_in_text(text, function)
    for event in events:
        yield from env.writes_in_event(event)


def _unique_events(events: list[Event]) -> list[Event]:
    """One event for each place and arguments; a place reached from many callers repeats itself."""
    seen: set[object] = set()
    kept: list[Event] = []
    for event in events:
        key = (
            event.kind, event.name, event.origin,
            tuple(_fingerprint(i.value) for i in event.args),
            tuple((k, _fingerprint(v)) for k, v, _, _ in event.kwargs),
        )  # fmt: skip
        if key not in seen:
            seen.add(key)
            kept.append(event)
    return kept


def _fingerprint(value: Value) -> object:
    return value.skeleton() if isinstance(value, Text) else type(value).__name__


def _unique_writes(writes: Iterable[env.EnvWrite]) -> list[env.EnvWrite]:
    seen: set[object] = set()
    kept: list[env.EnvWrite] = []
    for write in writes:
        key = (write.name, write.origin, _fingerprint(write.value))
        if key not in seen:
            seen.add(key)
            kept.append(write)
    return kept
