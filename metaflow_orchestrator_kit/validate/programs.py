"""Every piece of Python there is: the modules, and programs inside string literals.

The interpreter reads the programs that launch Metaflow, with the values formatted into them. Rules
about single statements need less and want more: every string that holds source lines, whether it
is put together at once, from a list of lines, or by a helper that emits them one by one. What does
not parse as a whole is read statement by statement.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from itertools import chain
from operator import itemgetter
from typing import TypeVar

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.generated import MAX_TEXT, readings
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.project import Module, dotted
from metaflow_orchestrator_kit.validate.records import field, record, regex
from metaflow_orchestrator_kit.validate.source_lines import HOLE, Line, logical_lines, strings_of
from metaflow_orchestrator_kit.validate.walking import nodes_of, source

_CODE = regex(
    r"^[ \t]*(?:def |async def |class |import |from [\w.]+ import|return\b|raise\b|try:|with |"
    r"for \w.* in |"
    r"while |if .+:$|except\b.*:|[\w.\[\]\"']+\s*\+?=\s|\w+: [\w.\[\], |]+ = |[\w.]+\()",
    re.M,
)

MAX_STATEMENTS = 5000
"""How many lines of a module's strings are read one by one, when they are no program."""

N = TypeVar("N", bound=ast.AST)


@record(frozen=False, eq=False)
class Program:
    """Some Python: a module, or what a string literal holds.

    ``whole`` is False for single statements of something that did not parse as one program; their
    surroundings are not known.
    """

    tree: ast.Module
    path: str
    lines: tuple[int, ...] = ()
    whole: bool = True
    module: Module | None = None
    _texts: set[int] | None = None
    _calls: dict[str, list[tuple[int, ast.Call]]] | None = None

    @property
    def generated(self) -> bool:
        """Whether somebody else runs this: it stands in a string."""
        return self.module is None

    def nodes(self, *kinds: type[N]) -> Iterator[N]:
        """The nodes of these kinds, in the order of ``ast.walk``."""
        by_type = nodes_of(self.tree).by_type
        return chain.from_iterable(by_type.get(kind, ()) for kind in kinds)  # type: ignore[misc]

    def is_text(self, node: ast.AST) -> bool:
        """Whether a constant is a docstring: a statement of its own, for people."""
        if self._texts is None:
            self._texts = {
                id(statement.value)
                for statement in self.nodes(ast.Expr)
                if isinstance(statement.value, ast.Constant)
            }
        return id(node) in self._texts

    def calls(self, *names: str) -> Iterator[ast.Call]:
        """Calls of a function or method with one of these last names, in the order of the walk."""
        if self._calls is None:
            self._calls = {}
            for number, node in enumerate(self.nodes(ast.Call)):
                self._calls.setdefault(called(node), []).append((number, node))
        found = [place for name in dict.fromkeys(names) for place in self._calls.get(name, ())]
        yield from (node for _, node in sorted(found, key=itemgetter(0)))

    def parents(self, node: ast.AST) -> Iterator[ast.AST]:
        """What *node* stands in, nearest first."""
        parents = nodes_of(self.tree).parents
        while node in parents:
            node = parents[node]
            yield node

    def function(self, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The function that *node* stands in."""
        for outer in self.parents(node):
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
                return outer
        return None

    def place(self, node: ast.AST) -> Origin:
        """Where *node* stands in the source tree."""
        line = getattr(node, "lineno", 1)
        end = getattr(node, "end_lineno", None) or line
        if self.lines:
            at = self.lines[min(line, len(self.lines)) - 1]
            return Origin(self.path, at, 1, self.lines[min(end, len(self.lines)) - 1])
        column = self.module.column(node) if self.module else getattr(node, "col_offset", 0) + 1
        return Origin(self.path, line, column, end)


def programs(analysis: Analysis) -> list[Program]:
    """All Python of the extension, modules first; read once for each analysis."""
    memo = _memo(analysis)
    if memo.programs:
        return memo.programs
    found = [Program(m.tree, m.path, module=m) for m in analysis.project.modules]
    for module in analysis.project.modules:
        found.extend(_in_strings(module))
    memo.programs = found
    return found


def calls(program: Program, *names: str) -> Iterator[ast.Call]:
    """Calls of a function or method with one of these last names."""
    return program.calls(*names)


def called(node: ast.Call) -> str:
    """The last part of the name that a call calls, or ""."""
    match node.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def full_name(node: ast.expr, module: Module | None = None) -> str:
    """The dotted name of an expression, imports resolved where the module is known."""
    name = dotted(node) or ""
    head, _, rest = name.partition(".")
    if module is not None and head in module.imports:
        base, attribute = module.imports[head]
        head = f"{base}.{attribute}" if attribute else base
        return f"{head}.{rest}" if rest else head
    return name


def argument(node: ast.Call, name: str, position: int | None = None) -> ast.expr | None:
    """The expression passed as keyword *name*, or at *position*."""
    for keyword in node.keywords:
        if keyword.arg == name:
            return keyword.value
    if position is not None and position < len(node.args):
        return node.args[position]
    return None


def has_splat(node: ast.Call) -> bool:
    """Whether a call passes keywords that are not written there."""
    return any(k.arg is None for k in node.keywords)


def names_used(analysis: Analysis) -> set[str]:
    """Every identifier, attribute, keyword and short string constant of the programs."""
    memo = _memo(analysis)
    if memo.names:
        return memo.names
    used: set[str] = set()
    for program in programs(analysis):
        nodes = nodes_of(program.tree)
        used.update(n.id for n in nodes.of(ast.Name))
        used.update(n.attr for n in nodes.of(ast.Attribute))
        used.update(n.arg for n in nodes.of(ast.keyword) if n.arg is not None)
        for alias in nodes.of(ast.alias):
            used.update(alias.name.split("."))
        for imported in nodes.of(ast.ImportFrom):
            if imported.module is not None:
                used.update(imported.module.split("."))
        for constant in nodes.of(ast.Constant):
            text = constant.value
            if isinstance(text, str) and len(text) < 80 and not program.is_text(constant):
                used.add(text)
    memo.names = used
    return used


def constants(analysis: Analysis, *texts: str) -> list[tuple[Program, ast.Constant]]:
    """The string constants that are one of these, docstrings apart; in the programs' order."""
    known = _memo(analysis).texts
    if not known:
        number = 0
        for program in programs(analysis):
            for node in program.nodes(ast.Constant):
                if isinstance(node.value, str) and not program.is_text(node):
                    number += 1
                    known.setdefault(node.value, []).append((number, program, node))
    found = [place for text in dict.fromkeys(texts) for place in known.get(text, ())]
    return [(program, node) for _, program, node in sorted(found, key=itemgetter(0))]


@record(frozen=False)
class _Memo:
    """What was read of the analysis at hand; rules of one run ask for the same things."""

    analysis: Analysis | None = None
    programs: list[Program] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    texts: dict[str, list[tuple[int, Program, ast.Constant]]] = field(default_factory=dict)


_latest = _Memo()


def _memo(analysis: Analysis) -> _Memo:
    global _latest
    if _latest.analysis is not analysis:
        _latest = _Memo(analysis)
    return _latest


# -- strings ----------------------------------------------------------------------------------


def _in_strings(module: Module) -> Iterator[Program]:
    statements = 0
    for lines in strings_of(module):
        text = "\n".join(line.text for line in lines)
        if len(text) > MAX_TEXT or not _CODE.search(text):
            continue
        numbers = tuple(line.number for line in lines)
        tree = _parse(text)
        if tree is not None:
            yield Program(tree, module.path, numbers)
        elif statements < MAX_STATEMENTS:
            statements += len(lines)
            yield from _statements(lines, module.path)


def _parse(text: str) -> ast.Module | None:
    for candidate in readings(text):
        try:
            with warnings.catch_warnings():
                # Escapes that are no escapes in somebody's generated code are not ours to report.
                warnings.simplefilter("ignore")
                tree = ast.parse(candidate)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        return tree if any(_is_code(node) for node in tree.body) else None
    return None


def _is_code(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call | ast.Await)
    return not isinstance(node, ast.AnnAssign | ast.Pass) or (
        isinstance(node, ast.AnnAssign) and node.value is not None
    )


def _statements(lines: list[Line], path: str) -> Iterator[Program]:
    for group in logical_lines(lines):
        text = " ".join(line.text.strip() for line in group)
        if not _CODE.search(text):
            continue
        tree = _parse(f"{text} pass" if text.endswith(":") else text)
        if tree is not None:
            yield Program(tree, path, tuple(line.number for line in group)[:1], whole=False)


__all__ = [
    "HOLE",
    "Program",
    "argument",
    "called",
    "calls",
    "constants",
    "full_name",
    "has_splat",
    "names_used",
    "programs",
    "source",
]
