"""Whether the author's modules still find what they import from the kit's.

The kit promises that they do, but only an author can know what else his modules use. It is said
after an update, because a name that is missing shows only when a command is used.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from metaflow_orchestrator_kit.scaffold.render import Owner, Project


def broken(target: Path, project: Project, written: Iterable[PurePosixPath]) -> Iterator[str]:
    """A sentence for each name that one of the author's modules imports in vain.

    Args:
        target: the folder of the project.
        project: the project as the kit writes it now.
        written: the files that the update writes.
    """
    fresh = frozenset(written)
    kits = {
        file.path: _defined(file.content)
        for file in project.files
        if file.owner is Owner.KIT and file.path.suffix == ".py"
    }
    for folder in sorted({path.parent for path in kits}):
        for place in sorted((target / folder).glob("*.py")):
            path = folder / place.name
            if path in kits or path in fresh:
                continue
            for module, name in _imported(place.read_bytes()):
                source = folder / f"{module}.py"
                if source in kits and name not in kits[source]:
                    yield f"{path.name} imports {name} from {source.name}, which has no such name."


def _imported(source: bytes) -> Iterator[tuple[str, str]]:
    """`(module, name)` of what a module imports from its neighbours; nothing if it is broken."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
            for alias in node.names:
                yield node.module, alias.name


def _defined(source: bytes) -> frozenset[str]:
    """The names that a module of the kit's has at its top level."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names.update(alias.asname or alias.name for alias in aliases)
    return frozenset(names)
