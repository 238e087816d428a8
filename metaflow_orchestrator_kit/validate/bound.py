"""The names that a module binds, in any scope, and those that it reads and never binds."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.walking import nodes_of

_OF_MODULES = """
__file__ __name__ __doc__ __package__ __spec__ __loader__ __path__ __annotations__ __builtins__
__class__ __qualname__ __module__ __dict__ WindowsError unicode
"""
_ALWAYS = frozenset(dir(builtins)) | frozenset(_OF_MODULES.split())
_DYNAMIC = frozenset(["exec", "eval", "globals", "locals", "vars", "__getattr__"])


def never_bound(tree: ast.Module) -> Iterator[ast.Name]:
    """Reads of names that nothing in the module binds: each raises NameError when it is reached.

    Nothing is answered for a module that may bind names in ways that are not seen.
    """
    nodes = nodes_of(tree)
    bound: set[str] = set(_ALWAYS)
    reads: list[ast.Name] = []
    for name in nodes.of(ast.Name):
        if name.ctx.__class__ is ast.Load:
            reads.append(name)
        else:
            bound.add(name.id)
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = [
        *nodes.of(ast.FunctionDef),
        *nodes.of(ast.AsyncFunctionDef),
    ]
    imports: list[ast.Import | ast.ImportFrom] = [*nodes.of(ast.ImportFrom), *nodes.of(ast.Import)]
    bound.update(f.name for f in functions)
    if not _DYNAMIC.isdisjoint(r.id for r in reads) or not _DYNAMIC.isdisjoint(
        f.name for f in functions
    ):
        return
    if any(n.elts and isinstance(n.elts[0], ast.Set | ast.Dict) for n in nodes.of(ast.Set)):
        # `{{ name }}`: a template that happens to be Python.
        return
    if any(alias.name == "*" for i in imports for alias in i.names):
        return
    bound.update(a.asname or a.name.partition(".")[0] for i in imports for a in i.names)
    bound.update(n.arg for n in nodes.of(ast.arg))
    bound.update(n.name for n in nodes.of(ast.ClassDef))
    bound.update(name for n in nodes.of(ast.Global) for name in n.names)
    bound.update(name for n in nodes.of(ast.Nonlocal) for name in n.names)
    bound.update(n.name for n in nodes.of(ast.ExceptHandler) if n.name)
    bound.update(n.name for n in nodes.of(ast.MatchAs) if n.name)
    bound.update(n.name for n in nodes.of(ast.MatchStar) if n.name)
    bound.update(n.rest for n in nodes.of(ast.MatchMapping) if n.rest)
    for kind, found in nodes.by_type.items():
        # `def f[T]()` of newer Pythons.
        if kind.__name__ in ("TypeVar", "ParamSpec", "TypeVarTuple"):
            bound.update(str(getattr(n, "name", "")) for n in found)
    yield from (read for read in reads if read.id not in bound)
