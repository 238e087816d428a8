"""Where the pair that `_transition` is, or its list, is taken for the name of a step."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import walk

_SINGULAR = regex(
    r"(?:chosen|choice|branch|selected|taken|next|step|name)(?:_?(?:step|name|branch))?$"
)


def misread(function: ast.AST, fills: Iterable[str] = ()) -> list[ast.expr]:
    """The pair or its list as text, or the list where one name is wanted.

    *fills*: what the answers of the function are given to.
    """
    one = any(map(_one, (getattr(function, "name", ""), *fills)))
    holders = {
        t.id
        for n in walk(function)
        if isinstance(n, ast.Assign) and _reads(n.value)
        for t in n.targets
        if isinstance(t, ast.Name)
    }
    looked_into = {terminal(n.value) for n in walk(function) if isinstance(n, ast.Subscript)}
    wrong: list[ast.expr] = []
    for node in walk(function):
        match node:
            case ast.Call(func=ast.Name(id="str"), args=[value, *_]) if _is_pair(value, holders):
                wrong.append(node)
            case ast.Return(value=ast.Subscript() as value) if one:
                wrong += [value] if _is_list(value, holders) else []
            case ast.Assign(targets=[target], value=ast.Subscript() as value):
                name = _wanted(target, function)
                if _one(name) and name not in looked_into and _is_list(value, holders):
                    wrong.append(value)
    return wrong


def _wanted(target: ast.expr, function: ast.AST) -> str:
    """What an assignment fills: a key, an attribute, a variable that is not opened later."""
    if isinstance(target, ast.Name):
        return "" if _opened(target.id, function) else target.id
    if isinstance(target, ast.Subscript):
        return str(literal(target.slice))
    return target.attr if isinstance(target, ast.Attribute) else ""


def _opened(name: str, function: ast.AST) -> bool:
    """Whether a variable is used as the list that it may be, or changed."""
    for node in walk(function):
        match node:
            case ast.For(iter=used) | ast.comprehension(iter=used) | ast.Starred(value=used):
                found = [used]
            case ast.Subscript(value=used) | ast.Attribute(value=used):
                found = [used]
            case ast.Call(func=ast.Name(id="len" | "list" | "isinstance" | "next" | "set")):
                found = node.args
            case ast.Call(func=ast.Attribute(attr="join" | "extend")):
                found = node.args
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=found):
                pass
            case ast.IfExp() | ast.If():
                found = [n for n in walk(node.test) if isinstance(n, ast.expr)]
            case _:
                continue
        if any(isinstance(u, ast.Name) and u.id == name for u in found):
            return True
    return False


def _one(name: str) -> bool:
    """Whether a name says that it is one step's."""
    return bool(_SINGULAR.search(name))


def _is_list(node: ast.Subscript, holders: set[str]) -> bool:
    """``transition[0]``."""
    return literal(node.slice) == 0 and _is_pair(node, holders)


def _is_pair(node: ast.expr, holders: set[str]) -> bool:
    """``transition`` or ``transition[0]``, but not ``transition[0][0]``."""
    if isinstance(node, ast.Subscript) and literal(node.slice) == 0:
        node = node.value
    return _reads(node) or (isinstance(node, ast.Name) and node.id in holders)


def _reads(node: ast.expr) -> bool:
    match node:
        case ast.Subscript(slice=ast.Constant(value="_transition")):
            return True
        case ast.Attribute(attr="_transition"):
            return True
        case ast.Attribute(attr="data", value=value):
            return _reads(value)
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value="_transition"), *_]):
            return True
        case _:
            return False
