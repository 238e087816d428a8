"""What a function calls a value that it looked up, and whether the value leaves the function."""

from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.programs import Program, called
from metaflow_orchestrator_kit.validate.walking import walk

_STAYS = {
    "isinstance", "hasattr", "getattr", "len", "bool", "str", "list", "tuple", "iter", "next",
    "sorted", "reversed", "enumerate", "vars", "any", "all", "print", "echo", "repr", "type",
}  # fmt: skip
_ROUNDS = 4


def aliases(function: ast.AST, first: set[str]) -> set[str]:
    """The names of a function that hold the value of one of these names, or an item of it."""
    known = set(first)
    for _ in range(_ROUNDS):
        before = len(known)
        for node in walk(function):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_it(value, known):
                    known.add(name)
                case ast.For(target=ast.Name(id=name), iter=items) if _is_it(items, known):
                    known.add(name)
                case ast.comprehension(target=ast.Name(id=name), iter=items) if _is_it(
                    items, known
                ):
                    known.add(name)
                case ast.NamedExpr(target=ast.Name(id=name), value=value) if _is_it(value, known):
                    known.add(name)
                case _:
                    pass
        if len(known) == before:
            break
    return known


def _is_it(node: ast.expr, known: set[str]) -> bool:
    """``x``, ``x[0]``, ``x or []``, ``next(iter(x))``, ``x if x else None``."""
    match node:
        case ast.Name(id=name):
            return name in known
        case ast.Subscript(value=inner):
            return _is_it(inner, known)
        case ast.BoolOp(values=values):
            return any(_is_it(v, known) for v in values)
        case ast.IfExp(body=body, orelse=other):
            return _is_it(body, known) or _is_it(other, known)
        case ast.Call(func=ast.Name(id="next" | "iter" | "list"), args=[inner, *_]):
            return _is_it(inner, known)
        case ast.GeneratorExp(elt=made) | ast.ListComp(elt=made):
            return _is_it(made, known)
        case _:
            return False


def leaves(program: Program, function: ast.AST, known: set[str]) -> bool:
    """Whether a value of one of these names is returned, stored, or given to other functions."""
    for node in walk(function):
        if not isinstance(node, ast.Name) or node.id not in known:
            continue
        if isinstance(node.ctx, ast.Load) and _goes(program, node, known):
            return True
    return False


def _goes(program: Program, node: ast.expr, known: set[str]) -> bool:
    inner: ast.AST = node
    for outer in program.parents(node):
        match outer:
            case ast.Attribute() | ast.Compare() | ast.If() | ast.While() | ast.Assert():
                return False
            case ast.Subscript(slice=index) if index is inner:
                return False
            case ast.Call():
                if called(outer) not in _STAYS:
                    return True
                if called(outer) in ("getattr", "hasattr", "isinstance", "len", "bool", "any"):
                    return False
            case ast.IfExp(test=test) if test is inner:
                return False
            case ast.Return() | ast.Yield() | ast.Dict() | ast.Tuple() | ast.List() | ast.keyword():
                return True
            case ast.Assign(targets=targets):
                return not all(isinstance(t, ast.Name) and t.id in known for t in targets)
            case ast.GeneratorExp() | ast.ListComp() | ast.comprehension():
                pass
            case ast.stmt():
                return False
            case _:
                pass
        inner = outer
    return False


def names_of(program: Program, node: ast.AST) -> set[str]:
    """The names that a look-up is given to: by an assignment, a loop, or a comparison of it."""
    for outer in program.parents(node):
        match outer:
            case ast.Assign(targets=targets):
                return {t.id for t in targets if isinstance(t, ast.Name)}
            case ast.NamedExpr(target=ast.Name(id=name)):
                return {name}
            case ast.For(target=ast.Name(id=name)):
                return {name}
            case ast.Compare(left=ast.Attribute(value=ast.Name(id=name), attr="name")):
                return {name}
            case ast.stmt():
                return set()
            case _:
                pass
    return set()
