"""Walks over syntax trees, made once however many rules ask for them.

``ast.walk`` tries every field of every node, every time it is called. Here a table says which
fields hold nodes, and the walk of a tree is kept on its root. The order is that of ``ast.walk``.
Nodes that Python shares, ``Load`` and operators, are left out. A tree must not change any more
once it has been walked.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TypeVar

from metaflow_orchestrator_kit.validate.records import field, record

# Fields that hold a node or None; after "*" those that hold a list of nodes, after "?" those that
# hold a list with gaps. A kind that is not here, of a Python to come, is looked at field by field.
_FIELDS = """
Module * body
Expression body
FunctionDef args returns * body decorator_list type_params
AsyncFunctionDef args returns * body decorator_list type_params
ClassDef * bases keywords body decorator_list type_params
Return value
Delete * targets
Assign value * targets
AugAssign target value
AnnAssign target annotation value
For target iter * body orelse
AsyncFor target iter * body orelse
While test * body orelse
If test * body orelse
With * items body
AsyncWith * items body
Match subject * cases
Raise exc cause
Try * body handlers orelse finalbody
TryStar * body handlers orelse finalbody
Assert test msg
Import * names
ImportFrom * names
Global
Nonlocal
Expr value
Pass
Break
Continue
BoolOp * values
NamedExpr target value
BinOp left right
UnaryOp operand
Lambda args body
IfExp test body orelse
Dict * values ? keys
Set * elts
ListComp elt * generators
SetComp elt * generators
DictComp key value * generators
GeneratorExp elt * generators
Await value
Yield value
YieldFrom value
Compare left * comparators
Call func * args keywords
FormattedValue value format_spec
JoinedStr * values
Constant
Attribute value
Subscript value slice
Starred value
Name
List * elts
Tuple * elts
Slice lower upper step
comprehension target iter * ifs
ExceptHandler type * body
arguments vararg kwarg * posonlyargs args kwonlyargs defaults ? kw_defaults
arg annotation
keyword value
alias
withitem context_expr optional_vars
match_case pattern guard * body
MatchValue value
MatchSingleton
MatchSequence * patterns
MatchMapping * keys patterns
MatchClass cls * patterns kwd_patterns
MatchStar
MatchAs pattern
MatchOr * patterns
"""
_SHARED = (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)
N = TypeVar("N", bound=ast.AST)

_ONE, _LIST, _GAPS = range(3)
_MODES = {"*": _LIST, "?": _GAPS}


def _table() -> dict[type[ast.AST], tuple[tuple[str, int], ...]]:
    table: dict[type[ast.AST], tuple[tuple[str, int], ...]] = {}
    for line in _FIELDS.strip().split("\n"):
        name, *words = line.split()
        kind = getattr(ast, name, None)
        if kind is None:
            continue  # It came with a later Python.
        mode, modes = _ONE, {}
        for word in words:
            if word in _MODES:
                mode = _MODES[word]
            else:
                modes[word] = mode
        table[kind] = tuple((f, modes[f]) for f in kind._fields if f in modes)
    return table


_CHILDREN = _table()


@record(frozen=False)
class Nodes:
    """All nodes of a tree in the order of ``ast.walk``, by their type, and what each stands in."""

    by_type: dict[type[ast.AST], list[ast.AST]] = field(default_factory=dict)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)

    def of(self, kind: type[N]) -> Sequence[N]:
        """The nodes of exactly this type."""
        return self.by_type.get(kind, ())  # type: ignore[return-value]


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below *node*, in the order of ``ast.iter_child_nodes``."""
    fields = _CHILDREN.get(node.__class__)
    if fields is None:
        return [n for n in ast.iter_child_nodes(node) if not isinstance(n, _SHARED)]
    found: list[ast.AST] = []
    for name, mode in fields:
        value = getattr(node, name, None)
        if value:
            if mode == _ONE:
                found.append(value)
            elif mode == _LIST:
                found += value
            else:
                found += [v for v in value if v is not None]
    return found


def walk(node: ast.AST) -> Sequence[ast.AST]:
    """*node* and every node below it, as ``ast.walk`` gives them."""
    known: Sequence[ast.AST] | None = getattr(node, "_mok_walk", None)
    if known is not None:
        return known
    order = [node]
    add = order.append
    table = _CHILDREN
    for current in order:
        # This loop is what most of a run used to be: written out, and not a call of `children`.
        fields = table.get(current.__class__)
        if fields is None:
            order += children(current)
            continue
        for name, mode in fields:
            value = getattr(current, name, None)
            if value:
                if mode == _ONE:
                    add(value)
                elif mode == _LIST:
                    order += value
                else:
                    order += [v for v in value if v is not None]
    node._mok_walk = order  # type: ignore[attr-defined]
    return order


def nodes_of(tree: ast.AST) -> Nodes:
    """The index of a tree; made when it is first asked for."""
    known: Nodes | None = getattr(tree, "_mok_nodes", None)
    if known is not None:
        return known
    found = Nodes()
    by_type, parents = found.by_type, found.parents
    order = [tree]
    add = order.append
    table = _CHILDREN
    for node in order:
        kind = node.__class__
        if kind in by_type:
            by_type[kind].append(node)
        else:
            by_type[kind] = [node]
        fields = table.get(kind)
        if fields is None:
            below = children(node)
            order += below
            for child in below:
                parents[child] = node
            continue
        for name, mode in fields:
            value = getattr(node, name, None)
            if not value:
                continue
            if mode == _ONE:
                add(value)
                parents[value] = node
                continue
            if mode == _GAPS:
                value = [v for v in value if v is not None]
            order += value
            for child in value:
                parents[child] = node
    tree._mok_walk = order  # type: ignore[attr-defined]
    tree._mok_nodes = found  # type: ignore[attr-defined]
    return found


def names(node: ast.AST) -> frozenset[str]:
    """The plain names below *node*."""
    known: frozenset[str] | None = getattr(node, "_mok_names", None)
    if known is None:
        known = frozenset(n.id for n in walk(node) if isinstance(n, ast.Name))
        node._mok_names = known  # type: ignore[attr-defined]
    return known


def source(node: ast.AST) -> str:
    """The node as Python; "" for one that is nested too deeply to write out."""
    known: str | None = getattr(node, "_mok_source", None)
    if known is None:
        try:
            known = ast.unparse(node)
        except (RecursionError, ValueError):
            known = ""
        node._mok_source = known  # type: ignore[attr-defined]
    return known
