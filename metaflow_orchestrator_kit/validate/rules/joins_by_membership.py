"""Joins that are looked for by any of the splits around them, not by the one they close."""

from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.programs import Program
from metaflow_orchestrator_kit.validate.rules.syntax import literal, words_of
from metaflow_orchestrator_kit.validate.walking import walk

_FIELD = "split_parents"


def closes_any(program: Program, node: ast.Compare) -> bool:
    """Whether this takes a join for the one of a split that is only among its `split_parents`.

    A join that stands within the split has it in the list too. What is asked of steps that are
    no joins, such as whether they are inside, is right as it is.
    """
    match node:
        case ast.Compare(ops=[ast.In()], comparators=[listed]) if _is_list(program, node, listed):
            return any(_asks_for_join(test) for test in _together(program, node))
        case _:
            return False


def _is_list(program: Program, node: ast.Compare, listed: ast.expr) -> bool:
    if isinstance(listed, ast.Attribute):
        return listed.attr == _FIELD
    function = program.function(node)
    if not isinstance(listed, ast.Name) or function is None:
        return False
    made = [
        n.value
        for n in walk(function)
        if isinstance(n, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == listed.id for t in n.targets)
    ]
    return len(made) == 1 and _FIELD in words_of(made[0]) and not _takes_one(made[0])


def _takes_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript)


def _together(program: Program, node: ast.AST) -> list[ast.expr]:
    """What is asked along with *node*: beside it, and in the conditions around it."""
    found: list[ast.expr] = []
    inner = node
    for outer in program.parents(node):
        match outer:
            case ast.BoolOp(op=ast.And(), values=values):
                found.extend(v for v in values if v is not inner)
            case ast.comprehension(ifs=tests):
                found.extend(t for t in tests if t is not inner)
            case ast.If(test=test) if test is not inner:
                found.append(test)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                break
            case _:
                pass
        inner = outer
    return found


def _asks_for_join(test: ast.expr) -> bool:
    match test:
        case ast.Compare(left=ast.Attribute(attr="type"), ops=[ast.Eq()], comparators=[kind]):
            return literal(kind) == "join"
        case ast.BoolOp(op=ast.And(), values=values):
            return any(_asks_for_join(v) for v in values)
        case _:
            return False
