"""One parsed file: what it defines, imports and mentions."""

from __future__ import annotations

import ast
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from metaflow_orchestrator_kit.validate.model.values import ClassInfo, FunctionInfo
from metaflow_orchestrator_kit.validate.records import field, record, regex
from metaflow_orchestrator_kit.validate.sources import Problem, read
from metaflow_orchestrator_kit.validate.walking import Nodes, nodes_of, walk

NAMESPACE = "metaflow_extensions"
_END_OF_LINE = regex(r"\r\n|\r|\n")


@record(frozen=False, eq=False)
class Module:
    """One parsed file. ``path`` is relative to DIR, ``dotted`` its import path below DIR."""

    path: str
    dotted: str
    tree: ast.Module
    source: str
    is_package: bool = False
    functions: dict[str, FunctionInfo] = field(default_factory=dict)
    classes: dict[str, ClassInfo] = field(default_factory=dict)
    imports: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    references: set[str] = field(default_factory=set)
    """Names that the module's code reads: a function among them has a caller."""
    is_ascii: bool = False
    """Whether bytes and characters are the same: the column of a node is its offset then."""
    outside: bool = False
    """Whether it lies above DIR and was read only to learn how DIR is registered."""

    @property
    def package(self) -> str:
        return self.dotted if self.is_package else self.dotted.rpartition(".")[0]

    def column(self, node: ast.AST) -> int:
        """Where *node* begins in its line, in characters, counted from 1.

        The parser counts UTF-8 bytes; editors, and the formats of the report, do not.
        """
        if self.is_ascii:
            return int(getattr(node, "col_offset", 0)) + 1
        return column(self.lines, getattr(node, "lineno", 1), getattr(node, "col_offset", 0))


def lines_of(source: str) -> list[str]:
    """The lines that Python counts: a form feed or a Unicode separator ends none."""
    return _END_OF_LINE.split(source) if "\r" in source else source.split("\n")


def column(lines: Sequence[str], line: int, offset: int) -> int:
    """The character, counted from 1, that *offset* bytes of a line's UTF-8 lead to."""
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    if text.isascii():
        return offset + 1
    return len(text.encode(errors="replace")[:offset].decode(errors="replace")) + 1


def parse_source(source: str, path: str, dotted: str) -> Module:
    """Parse *source* as a module and index what it defines.

    Raises:
        SyntaxError: it is not Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    module = Module(path, dotted, tree, source, lines=lines_of(source))
    module.is_ascii = source.isascii()
    module.is_package = path.endswith("__init__.py")
    _index(module)
    return module


def parse_file(path: Path, root: Path, problems: list[Problem]) -> Module | None:
    relative = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    try:
        source = read(path)
        return parse_source(source, relative, dotted_name(relative))
    except SyntaxError as error:
        problems.append(
            Problem(
                relative,
                f"is not valid Python: {error.msg}",
                error.lineno or 1,
                max(error.offset or 1, 1),
            )
        )
    except ValueError as error:
        problems.append(Problem(relative, str(error)))
    except (RecursionError, MemoryError):
        problems.append(Problem(relative, "is nested too deeply for Python's parser"))
    return None


def dotted_name(relative: str) -> str:
    """The import path of a file below DIR; a leading ``src`` and what stands above the namespace
    package do not count."""
    parts = list(PurePosixPath(relative).with_suffix("").parts)
    if NAMESPACE in parts:
        parts = parts[parts.index(NAMESPACE) :]
    elif parts and parts[0] in ("src", "lib"):
        parts = parts[1:]
    if parts and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


def _index(module: Module) -> None:
    nodes = nodes_of(module.tree)
    for node in _definitions(module.tree, nodes):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            module.functions.setdefault(node.name, FunctionInfo(node, module, None, node.name))
        elif isinstance(node, ast.ClassDef):
            bases = tuple(b for b in map(dotted, node.bases) if b)
            module.classes.setdefault(node.name, ClassInfo(node, module, bases))
    references = module.references
    references.update(n.id for n in nodes.of(ast.Name) if n.ctx.__class__ is ast.Load)
    references.update(n.attr for n in nodes.of(ast.Attribute))
    if nodes.by_type.keys() & {ast.Import, ast.ImportFrom}:
        for found in walk(module.tree):
            if isinstance(found, ast.Import | ast.ImportFrom):
                record_import(module, found)


def _definitions(tree: ast.Module, nodes: Nodes) -> Iterator[ast.stmt]:
    """Top-level definitions, those under ``if``/``try`` and nested classes too."""
    # Few modules have classes within anything: the others are not walked for them.
    has_inner = any(nodes.parents[c] is not tree for c in nodes.of(ast.ClassDef))
    waiting: deque[ast.stmt] = deque(tree.body)
    while waiting:
        node = waiting.popleft()
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
            for name in ("body", "orelse", "finalbody"):
                waiting.extend(getattr(node, name, []))
            if isinstance(node, ast.Try):
                waiting.extend(statement for h in node.handlers for statement in h.body)
        elif has_inner and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            waiting.extend(n for n in walk(node) if isinstance(n, ast.ClassDef) and n != node)


def record_import(module: Module, node: ast.Import | ast.ImportFrom) -> None:
    """Remember what an import statement binds, as absolute dotted names."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            target = alias.name if alias.asname else alias.name.partition(".")[0]
            module.imports.setdefault(name, (target, None))
        return
    base = node.module or ""
    if node.level:
        parts = module.package.split(".") if module.package else []
        parts = parts[: max(len(parts) - (node.level - 1), 0)]
        base = ".".join([*parts, base] if base else parts)
    for alias in node.names:
        if alias.name == "*":
            module.stars.append(base)
        else:
            module.imports.setdefault(alias.asname or alias.name, (base, alias.name))


def dotted(node: ast.expr) -> str | None:
    """``a.b.c`` for a name or attribute chain, else None."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        return ".".join([node.id, *reversed(parts)])
    return None


def assigned_names(tree: ast.Module) -> set[str]:
    """Names that the module assigns at top level."""
    names: set[str] = set()
    for node in tree.body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets = [node.target]
        names.update(t.id for t in targets if isinstance(t, ast.Name))
    return names
