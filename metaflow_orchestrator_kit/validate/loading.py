"""What importing a module imports: its own top level, and the modules it draws in."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.plugins import origin_of
from metaflow_orchestrator_kit.validate.project import NAMESPACE, Module, Project
from metaflow_orchestrator_kit.validate.records import record
from metaflow_orchestrator_kit.validate.walking import walk

#: Packages that Metaflow itself requires, so they are wherever Metaflow is.
_WITH_METAFLOW = frozenset({"metaflow", "requests", "boto3", "botocore", "urllib3", "s3transfer"})
_MAX_MODULES = 400


@record()
class Import:
    """One name that is imported when a module is; ``chain`` is how one got there."""

    dotted: str
    attribute: str | None
    origin: Origin
    chain: tuple[str, ...]

    @property
    def package(self) -> str:
        return self.dotted.partition(".")[0]


def imported_at_load(project: Project, start: Module) -> Iterator[Import]:
    """Every import outside the project that importing *start* causes, without a guard.

    What stands in a function, under TYPE_CHECKING, or in a ``try`` that catches ImportError is
    left out.
    """
    seen: set[int] = set()
    own = _own_packages(project)
    waiting: list[tuple[Module, tuple[str, ...]]] = [(start, (start.path,))]
    waiting.extend((m, (m.path,)) for m in _packages(project, start))
    while waiting and len(seen) < _MAX_MODULES:
        module, chain = waiting.pop(0)
        if id(module) in seen:
            continue
        seen.add(id(module))
        for node in unguarded(module.tree.body):
            for dotted, attribute in _targets(node, module):
                known = dotted.partition(".")[0] in own
                inner = _inside(project, module, dotted, attribute) if known else []
                if not inner:
                    yield Import(dotted, attribute, origin_of(module, node), chain)
                for found in inner:
                    waiting.append((found, (*chain, found.path)))


def _own_packages(project: Project) -> set[str]:
    """The first parts of import paths that may lead to a module of the project."""
    own = {m.dotted.partition(".")[0] for m in project.modules} | {NAMESPACE}
    if "metaflow" in project.root.resolve().parts:
        own.add("metaflow")
    return own - sys.stdlib_module_names


def third_party(found: Import) -> bool:
    """Whether an import needs a package that Metaflow does not bring along."""
    return (
        found.package not in sys.stdlib_module_names
        and found.package not in _WITH_METAFLOW
        and found.package not in (NAMESPACE, "")
    )


def unguarded(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The import statements that run whenever a module's top level does."""
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom():
                yield node
            case ast.If(test=test, body=inner, orelse=orelse):
                if _checks_types(test):
                    yield from unguarded(orelse)
                else:
                    yield from _both(unguarded(inner), unguarded(orelse), node)
            case ast.Try(body=inner, handlers=handlers, orelse=orelse, finalbody=final):
                if not handlers:
                    yield from unguarded(inner)
                elif not any(_catches_import(h) for h in handlers):
                    yield from unguarded([*inner, *orelse])
                yield from unguarded(final)
            case ast.With(body=inner):
                if not any("suppress" in ast.dump(i.context_expr) for i in node.items):
                    yield from unguarded(inner)
            case ast.ClassDef(body=inner):
                yield from unguarded(inner)


def _both(
    left: Iterator[ast.Import | ast.ImportFrom],
    right: Iterator[ast.Import | ast.ImportFrom],
    node: ast.If,
) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports under a condition count only when the condition is about Python itself."""
    if "sys" in {n.id for n in walk(node.test) if isinstance(n, ast.Name)}:
        yield from left
        yield from right


def _checks_types(test: ast.expr) -> bool:
    return any(
        (isinstance(n, ast.Name) and n.id == "TYPE_CHECKING")
        or (isinstance(n, ast.Attribute) and n.attr == "TYPE_CHECKING")
        for n in walk(test)
    )


def _catches_import(handler: ast.ExceptHandler) -> bool:
    """Whether a failing import ends here quietly: caught, and not raised again."""
    names = {
        n.id if isinstance(n, ast.Name) else n.attr
        for n in walk(handler.type or ast.Name("Exception"))
        if isinstance(n, ast.Name | ast.Attribute)
    }
    caught = names & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
    return bool(caught) and not any(isinstance(n, ast.Raise) for n in walk(handler))


def _targets(node: ast.Import | ast.ImportFrom, module: Module) -> Iterator[tuple[str, str | None]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, None) for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        parts = module.package.split(".") if module.package else []
        if node.level - 1 > len(parts):
            # It leads above DIR: to another part of the same package.
            return
        parts = parts[: len(parts) - (node.level - 1)]
        base = ".".join([*parts, base] if base else parts)
        if not base:
            # A bare folder: what stands beside the module is found by its name.
            yield from ((f"{NAMESPACE}.{alias.name}", None) for alias in node.names)
            return
        if not module.dotted.startswith(NAMESPACE):
            base = f"{NAMESPACE}.{base}"
    yield from ((base, alias.name) for alias in node.names)


def _inside(project: Project, module: Module, dotted: str, attribute: str | None) -> list[Module]:
    """The modules of the project that an import draws in; itself does not count."""
    found: list[Module] = []
    for name in (dotted, f"{dotted}.{attribute}" if attribute else ""):
        target = project.find_module(name, module) if name else None
        if target is None or target is module:
            continue
        # A unique ending is not enough: `import acme` is the scheduler's SDK, and not
        # metaflow_extensions.acme.plugins.acme.
        if target.dotted == name or name.partition(".")[0] in (NAMESPACE, "metaflow"):
            found.extend([target, *_packages(project, target)])
    return found


def _packages(project: Project, module: Module) -> Iterator[Module]:
    """The packages that Python imports before a module."""
    name = module.dotted.rpartition(".")[0]
    while name:
        package = project.find_module(name)
        if package is not None and package.is_package and package is not module:
            yield package
        name = name.rpartition(".")[0]
