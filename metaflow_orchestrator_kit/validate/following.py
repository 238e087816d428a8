"""What comes of following the code: commands, environments, events, programs in strings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from metaflow_orchestrator_kit.validate import argv, documents, env, generated
from metaflow_orchestrator_kit.validate.heredocs import python_in
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
from metaflow_orchestrator_kit.validate.project import Module, Project
from metaflow_orchestrator_kit.validate.records import record, regex
from metaflow_orchestrator_kit.validate.relevance import irrelevant, is_small

MAX_GENERATED = 200
MAX_VARIANTS = 3
_COMMAND_WORD = regex(r"(?<![\w-])(?:step|init|dump)(?![\w-])")


@record()
class Followed:
    """What was built, called and written anywhere, as far as it could be followed."""

    commands: list[argv.Command]
    environment: list[env.EnvWrite]
    events: list[Event]
    texts: list[Text]
    generated: list[Module]
    lost: list[tuple[str, Origin]]
    cells: dict[int, Cell]
    positions: dict[Module, Callable[[int, int], Origin]]
    holes: dict[Module, dict[str, Value]]
    filled: Mapping[str, set[str]]
    steps: int


def follow(project: Project, templates: Sequence[Text]) -> Followed:
    """Follow the modules of *project*, the programs in its strings, and its template files."""
    vm = Interpreter(project)
    programs: list[Module] = []
    _follow(vm, project.modules)
    if vm.asked & vm.fields.keys():
        # A field was read before, or elsewhere than, the object was made: now it is known.
        vm.forget()
        _follow(vm, project.modules)
    _follow_generated(vm, programs)
    _follow_templates(vm, templates, programs)
    events = _unique_events(vm.events)
    return Followed(
        commands=argv.maximal(list(_commands(vm))),
        environment=_unique_writes(_writes(vm, events)),
        events=events,
        texts=[t for t, _, _ in vm.texts],
        generated=programs,
        lost=vm.lost,
        cells=vm.globals_heap,
        positions=vm.positions,
        holes=vm.holes,
        filled=vm.filled,
        steps=vm.spent,
    )


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


def _follow_generated(vm: Interpreter, programs: list[Module]) -> None:
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
        candidates.extend((inner, c) for t, c, _ in found for inner in python_in(t))
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
        programs.extend(fresh)
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


def _follow_templates(vm: Interpreter, templates: Sequence[Text], programs: list[Module]) -> None:
    for text in templates:
        vm.texts.append((text, {}, None))
        if generated.looks_like_code(text):
            program = generated.parse(text, len(programs) + 1000)
            if program is not None:
                _install(vm, program, {})
                programs.append(program.module)
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
