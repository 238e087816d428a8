"""Whether what is written down somewhere is used by anything: a table that nobody reads, a helper
that nobody calls."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.programs import Program
from metaflow_orchestrator_kit.validate.walking import nodes_of

_LABEL = "names in use"


def in_use(
    analysis: Analysis, found: Iterable[tuple[Program, ast.Constant]]
) -> Iterator[tuple[Program, ast.Constant]]:
    """The constants that something can come of.

    Left out are those of a module's or class's table whose name is read nowhere, and of a private
    function that nothing calls: code that was left behind, or that was never joined to the rest.
    """
    for program, node in found:
        if program.generated or not _is_idle(analysis, program, node):
            yield program, node


def _is_idle(analysis: Analysis, program: Program, node: ast.AST) -> bool:
    for outer in program.parents(node):
        match outer:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if program.function(outer) is None:
                    return name not in _read(analysis) and not name.startswith("__")
                return False
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                private = name.startswith("_") and not name.startswith("__")
                return private and not outer.decorator_list and name not in _read(analysis)
            case ast.stmt():
                pass
            case _:
                pass
    return False


def _read(analysis: Analysis) -> set[str]:
    """Every name that is read, of a module or of an object, and every name in a string."""
    known = analysis.memo.get(_LABEL)
    if isinstance(known, set):
        return known
    names: set[str] = set()
    for module in analysis.project.modules:
        nodes = nodes_of(module.tree)
        names.update(n.id for n in nodes.of(ast.Name) if isinstance(n.ctx, ast.Load))
        names.update(n.attr for n in nodes.of(ast.Attribute))
        names.update(a.name for a in nodes.of(ast.alias))
        for constant in nodes.of(ast.Constant):
            # `getattr(self, "_check")`, and `__all__`.
            if isinstance(constant.value, str) and constant.value.isidentifier():
                names.add(constant.value)
    analysis.memo[_LABEL] = names
    return names
