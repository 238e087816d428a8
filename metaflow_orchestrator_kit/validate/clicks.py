"""The click groups and commands that an extension defines, and the options they take."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import cast

from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.plugins import deployer_types, origin_of
from metaflow_orchestrator_kit.validate.project import Module, Project, dotted
from metaflow_orchestrator_kit.validate.records import field, record
from metaflow_orchestrator_kit.validate.walking import walk

Function = ast.FunctionDef | ast.AsyncFunctionDef
PARAMETERS = "add_custom_parameters"
ATTRIBUTE_FLAG = "--deployer-attribute-file"
_OF_SCHEDULERS = (ATTRIBUTE_FLAG, "--max-workers", "--workflow-timeout", "--max-parallelism")
#: Decorators that add no option and change no signature.
_HARMLESS = {"pass_obj", "pass_context", "wraps", "cache", "no_type_check", "version_option",
             "help_option", "confirmation_option", "override"}  # fmt: skip
_MAX_DEPTH = 3
_LABEL = "commands"


@record()
class Parameter:
    """An option or argument: its flags as written, and the keyword that the function gets."""

    flags: tuple[str, ...]
    dest: str
    settings: Mapping[str, ast.expr]
    origin: Origin
    module: Module
    argument: bool = False


@record(frozen=False, eq=False)
class Command:
    """A click command or group: the function, what it is called, and what it takes.

    ``open`` says that a decorator could not be followed, so there may be more parameters.
    """

    name: str | None
    node: Function
    module: Module
    parent: Command | None
    is_group: bool
    origin: Origin
    parameters: list[Parameter] = field(default_factory=list)
    open: bool = False
    flow_parameters: bool = False
    """Whether `add_custom_parameters` is applied, above or below."""
    below: bool = False
    """Whether it stands below the command decorator, where the command does not see it."""
    passes_obj: int = 0

    @property
    def root(self) -> Command:
        return self.parent.root if self.parent else self

    def parameter(self, *dests: str) -> Parameter | None:
        return next((p for p in self.parameters if p.dest in dests), None)

    def flagged(self, flag: str) -> Parameter | None:
        return next((p for p in self.parameters if flag in p.flags), None)


def commands(project: Project) -> list[Command]:
    """Every group and command defined in the project's modules, groups before their commands.

    A score of rules asks for them: they are looked for once.
    """
    known = project.memo.get(_LABEL)
    if known is None:
        known = project.memo[_LABEL] = _commands(project)
    return list(cast("list[Command]", known))


def _commands(project: Project) -> list[Command]:
    found: dict[tuple[int, str], Command] = {}
    for module in project.modules:
        if "click" not in module.source and "command(" not in module.source:
            continue
        for node in _functions(module.tree.body):
            command = _command(project, module, node, found)
            if command is not None:
                found[id(module), node.name] = command
    return list(found.values())


def scheduler_commands(project: Project, *names: str) -> list[Command]:
    """The commands of these names in the groups through which a scheduler is used.

    Extensions bring other groups too, also with a `create`: a scheduler's can trigger, answers
    the Deployer API, limits its runs, or is called after a deployer.
    """
    found = [c for c in commands(project) if not c.is_group and c.parent is not None]
    types = set(deployer_types(project))
    groups = {
        id(c.parent)
        for c in found
        if c.name == "trigger"
        or any(c.flagged(flag) for flag in _OF_SCHEDULERS)
        or (c.parent is not None and c.parent.name in types)
    }
    return [c for c in found if id(c.parent) in groups and c.name in names]


def attribute_names(project: Project) -> set[str]:
    """What the commands of the project call the file that the Deployer API reads."""
    found = [c.flagged(ATTRIBUTE_FLAG) for c in commands(project)]
    return {p.dest for p in found if p is not None}


def _functions(body: list[ast.stmt]) -> Iterator[Function]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from _functions(node.body)


def _command(
    project: Project, module: Module, node: Function, known: dict[tuple[int, str], Command]
) -> Command | None:
    made: ast.expr | None = None
    parent: Command | None = None
    at = 0
    for index, decorator in enumerate(node.decorator_list):
        name = decorator_name(decorator)
        head, _, kind = name.rpartition(".")
        if kind not in ("group", "command"):
            continue
        if head and not _is_click(head, module):
            parent = _parent(project, module, head, known)
            if parent is None:
                continue
        elif not head and module.imports.get(kind, ("", None))[0].find("click") < 0:
            continue
        made, at = decorator, index
        break
    if made is None:
        return None
    command = Command(
        _given_name(project, made, module, node), node, module, parent,
        decorator_name(made).endswith("group"), origin_of(module, made),
    )  # fmt: skip
    for index, decorator in enumerate(node.decorator_list):
        if decorator is not made:
            _apply(project, command, decorator, module, above=index < at, depth=0)
    return command


def _is_click(head: str, module: Module) -> bool:
    base, attribute = module.imports.get(head.partition(".")[0], ("", None))
    return attribute == "click" or base == "click" or base.endswith(".click")


def _parent(
    project: Project, module: Module, head: str, known: dict[tuple[int, str], Command]
) -> Command | None:
    """The group that ``head.command`` hangs a command on: of this module, or imported."""
    found = known.get((id(module), head))
    if found is not None or head not in module.imports:
        return found
    base, attribute = module.imports[head]
    home = project.find_module(base, module)
    if home is None or attribute is None:
        return None
    if (id(home), attribute) not in known:
        node = home.functions.get(attribute)
        if node is not None and isinstance(node.node, Function):
            command = _command(project, home, node.node, known)
            if command is not None:
                known[id(home), attribute] = command
    return known.get((id(home), attribute))


def _apply(
    project: Project,
    command: Command,
    decorator: ast.expr,
    module: Module,
    *,
    above: bool,
    depth: int,
) -> None:
    name = decorator_name(decorator)
    kind = name.rpartition(".")[2]
    if kind == PARAMETERS:
        command.flow_parameters = True
        command.below = not above
    elif kind in ("option", "argument") and isinstance(decorator, ast.Call):
        command.parameters.append(_parameter(decorator, module, kind == "argument"))
    elif kind in ("pass_obj", "pass_context"):
        command.passes_obj += 1
    elif kind not in _HARMLESS and not _helper(project, command, decorator, module, above, depth):
        command.open = True


def _helper(
    project: Project,
    command: Command,
    decorator: ast.expr,
    module: Module,
    above: bool,
    depth: int,
) -> bool:
    """Follow a decorator of the project that applies click decorators in turn."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    if depth >= _MAX_DEPTH or not isinstance(target, ast.Name):
        return False
    home, name = module, target.id
    if name not in home.functions and name in home.imports:
        base, attribute = home.imports[name]
        found = project.find_module(base, home)
        if found is None or attribute is None:
            return False
        home, name = found, attribute
    info = home.functions.get(name)
    if info is None:
        return False
    calls = [n for n in walk(info.node) if isinstance(n, ast.Call)]
    inner = [c for c in calls if decorator_name(c).endswith(("option", "argument"))]
    for call in inner:
        if any(isinstance(a, ast.Starred) for a in call.args):
            return False
        _apply(project, command, call, home, above=above, depth=depth + 1)
    return bool(inner)


def _parameter(call: ast.Call, module: Module, argument: bool) -> Parameter:
    words = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    settings = {k.arg: k.value for k in call.keywords if k.arg}
    flags = tuple(f for w in words if w.startswith("-") for f in w.split("/"))
    plain = [w for w in words if not w.startswith("-")]
    if plain:
        dest = plain[0].lower().replace("-", "_") if argument else plain[0]
    else:
        # Click takes the first of the longest-dashed spellings.
        spelled = [w.split("/")[0] for w in words if w.startswith("-")]
        spelled.sort(key=lambda w: len(w) - len(w.lstrip("-")), reverse=True)
        dest = spelled[0].lstrip("-").lower().replace("-", "_") if spelled else ""
    return Parameter(flags, dest, settings, origin_of(module, call), module, argument)


def _given_name(project: Project, made: ast.expr, module: Module, node: Function) -> str | None:
    """The command's name: given, or the function's with hyphens. None when it is computed."""
    if isinstance(made, ast.Call):
        given = next((k.value for k in made.keywords if k.arg == "name"), None)
        given = given or (made.args[0] if made.args else None)
        if given is not None:
            return constant_string(project, given, module)
    return node.name.lower().replace("_", "-")


def constant_string(project: Project, node: ast.expr, module: Module, depth: int = 0) -> str | None:
    """The string that an expression is: a literal, or a constant of this or another module."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.Name) or depth > _MAX_DEPTH:
        return None
    for statement in module.tree.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == node.id for t in statement.targets
        ):
            return constant_string(project, statement.value, module, depth + 1)
    if node.id in module.imports:
        base, attribute = module.imports[node.id]
        target = project.find_module(base, module)
        if target is not None and attribute and target is not module:
            name = ast.Name(attribute, ast.Load())
            return constant_string(project, name, target, depth + 1)
    return None


def decorator_name(decorator: ast.expr) -> str:
    """``a.b`` for a decorator ``@a.b`` or ``@a.b(...)``."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return dotted(target) or ""
