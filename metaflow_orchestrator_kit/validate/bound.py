"""The names that a module binds, in any scope, and those that it reads and never binds."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.walking import walk

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
    bound: set[str] = set(_ALWAYS)
    reads: list[ast.Name] = []
    for node in walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                reads.append(node)
                if name in _DYNAMIC:
                    return
            case ast.Name(id=name) | ast.arg(arg=name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                bound.add(name)
                if name in _DYNAMIC:
                    return
            case ast.Set(elts=[ast.Set() | ast.Dict(), *_]):
                # `{{ name }}`: a template that happens to be Python.
                return
            case ast.ClassDef(name=name):
                bound.add(name)
            case ast.ImportFrom(names=names) | ast.Import(names=names):
                if any(alias.name == "*" for alias in names):
                    return
                bound.update(a.asname or a.name.partition(".")[0] for a in names)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                bound.add(name)
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                bound.add(name)
            case ast.Global(names=given) | ast.Nonlocal(names=given):
                bound.update(given)
            case _:
                # `def f[T]()` of newer Pythons.
                if type(node).__name__ in ("TypeVar", "ParamSpec", "TypeVarTuple"):
                    bound.add(str(getattr(node, "name", "")))
    yield from (read for read in reads if read.id not in bound)
