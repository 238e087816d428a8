"""What an extension registers with Metaflow: the entries of its ``*_DESC`` lists."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.model.values import ClassInfo, Origin
from metaflow_orchestrator_kit.validate.project import Extension, Module, Project
from metaflow_orchestrator_kit.validate.records import record
from metaflow_orchestrator_kit.validate.walking import walk

CLIS = "CLIS_DESC"
DEPLOYERS = "DEPLOYER_IMPL_PROVIDERS_DESC"
STEP_DECORATORS = "STEP_DECORATORS_DESC"
FLOW_DECORATORS = "FLOW_DECORATORS_DESC"
ENVIRONMENTS = "ENVIRONMENTS_DESC"
#: Lists whose modules `import metaflow` imports at once; the others are imported when needed.
EAGER = (DEPLOYERS, STEP_DECORATORS, FLOW_DECORATORS, ENVIRONMENTS)


@record()
class Entry:
    """One ``("name", ".path.to.attribute")`` and where it leads.

    ``home`` is None when the path names no module of the project, or lies above DIR.
    """

    category: str
    name: str
    path: str
    origin: Origin
    config: Module
    home: Module | None
    attribute: str

    @property
    def outside(self) -> bool:
        """Whether the entry may lead to a module above DIR, that was not read."""
        return self.config.outside


def entries(project: Project, *categories: str) -> Iterator[Entry]:
    """The well-formed entries of these lists (of every list, when none is named)."""
    for extension in project.extensions:
        yield from _of_extension(project, extension, categories)


def _of_extension(
    project: Project, extension: Extension, categories: tuple[str, ...]
) -> Iterator[Entry]:
    for module in extension.configs:
        for category, node in _elements(module):
            if categories and category not in categories:
                continue
            pair = literal_pair(node)
            if pair is None:
                continue
            name, path = pair
            dotted, _, attribute = _absolute(module, path).rpartition(".")
            home = project.find_module(dotted, module) if dotted else None
            yield Entry(category, name, path, origin_of(module, node), module, home, attribute)


def deployer_types(project: Project) -> dict[str, Origin]:
    """The TYPEs under which deployers are registered, or that deployers below DIR declare."""
    found = {e.name: e.origin for e in entries(project, DEPLOYERS)}
    if not found:
        for cls in subclasses(project, "DeployerImpl"):
            literal = class_constant(project, cls, "TYPE")
            if literal is not None:
                found[literal] = origin_of(cls.module, cls.node)
    return found


def subclasses(project: Project, *bases: str) -> list[ClassInfo]:
    """The classes of the project that derive from one of the named classes."""
    return [c for c in project.classes() if project.is_subclass(c, *bases)]


def class_constant(project: Project, cls: ClassInfo, name: str) -> str | None:
    """The literal string that a class or one of its bases below DIR gives to *name*."""
    node = class_attribute(project, cls, name)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def class_attribute(project: Project, cls: ClassInfo, name: str) -> ast.expr | None:
    """The expression that a class or its nearest base below DIR assigns to *name*."""
    for owner in project.ancestry(cls):
        for node in owner.node.body:
            targets: list[ast.expr] = []
            value: ast.expr | None = None
            if isinstance(node, ast.Assign):
                targets, value = node.targets, node.value
            elif isinstance(node, ast.AnnAssign):
                targets, value = [node.target], node.value
            if value is not None and any(isinstance(t, ast.Name) and t.id == name for t in targets):
                return value
    return None


def literal_pair(node: ast.expr) -> tuple[str, str] | None:
    """The two strings of a pair of literals."""
    if not isinstance(node, ast.Tuple | ast.List) or len(node.elts) != 2:
        return None
    values = [e.value for e in node.elts if isinstance(e, ast.Constant)]
    if len(values) == 2 and isinstance(values[0], str) and isinstance(values[1], str):
        return values[0], values[1]
    return None


def origin_of(module: Module, node: ast.AST) -> Origin:
    """The place of a node of a module's own source."""
    line = getattr(node, "lineno", 1)
    end = getattr(node, "end_lineno", None) or line
    return Origin(module.path, line, module.column(node), end)


def header_of(
    module: Module, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
) -> Origin:
    """The line of a definition, without its body."""
    return Origin(module.path, node.lineno, module.column(node), node.lineno)


def _elements(module: Module) -> Iterator[tuple[str, ast.expr]]:
    for node in walk(module.tree):
        targets: list[ast.expr] = []
        value: ast.expr | None = None
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets, value = [node.target], node.value
        for target in targets:
            elements = value.elts if isinstance(value, ast.List | ast.Tuple) else []
            if isinstance(target, ast.Name) and target.id.endswith("_DESC"):
                yield from ((target.id, element) for element in elements)


def _absolute(module: Module, path: str) -> str:
    """The dotted name that an entry leads to, as far as it lies below DIR."""
    if module.outside:
        below = module.dotted.removeprefix("\0")
        inside = path.lstrip(".").removeprefix(f"{below}.")
        return inside if inside != path.lstrip(".") else ""
    if path.startswith("."):
        return f"{module.package}{path}" if module.package else path[1:]
    return path
