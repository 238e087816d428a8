"""Mappings of variables that are begun empty, and never hold what the caller's process has."""

from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.syntax import has_constant, terminal, words_of
from metaflow_orchestrator_kit.validate.walking import walk

#: Names of mappings that are meant to be put on top of another one.
_ADDED = regex(r"(?:^|_)(?:extra|extras|override|overrides|additional|additions)(?:_|$)")
_INHERITED = frozenset(["environ", "environb", "getenv", "PATH", "expandvars"])
_MAX_DEPTH = 3


def is_fresh(analysis: Analysis, program: Program, value: ast.expr, depth: int = 0) -> bool:
    """Whether the mapping is known to hold nothing of `os.environ`, not even its PATH."""
    scope = program.function(value)
    if depth > _MAX_DEPTH or scope is None or not _INHERITED.isdisjoint(words_of(scope)):
        return False
    match value:
        case ast.Dict(keys=keys, values=values):
            spread = [v for k, v in zip(keys, values, strict=True) if k is None]
            return all(is_fresh(analysis, program, v, depth + 1) for v in spread)
        case ast.Call(func=ast.Name(id="dict"), args=args):
            spread = [*args, *(k.value for k in value.keywords if k.arg is None)]
            return all(is_fresh(analysis, program, v, depth + 1) for v in spread)
        case ast.BoolOp(op=ast.Or(), values=[first, *_]):
            return is_fresh(analysis, program, first, depth + 1)
        case ast.Call(args=_) if isinstance(value.func, ast.Name | ast.Attribute):
            return _answers_fresh(analysis, called(value), depth)
        case ast.Attribute(attr=name):
            return bool(_ADDED.search(name))
        case ast.Name(id=name):
            return _is_fresh_name(analysis, program, scope, name, depth)
        case _:
            return False


def _is_fresh_name(
    analysis: Analysis, program: Program, scope: ast.AST, name: str, depth: int
) -> bool:
    given = [
        n.value
        for n in walk(scope)
        if isinstance(n, ast.Assign | ast.AnnAssign) and n.value is not None
        for t in (n.targets if isinstance(n, ast.Assign) else [n.target])
        if isinstance(t, ast.Name) and t.id == name
    ]
    if not given:
        return bool(_ADDED.search(name))
    put = [
        n.args[0]
        for n in walk(scope)
        if isinstance(n, ast.Call) and called(n) == "update" and n.args
        and terminal(getattr(n.func, "value", None)) == name
    ]  # fmt: skip
    return all(is_fresh(analysis, program, v, depth + 1) for v in given) and all(
        _is_of_decorator(v) or is_fresh(analysis, program, v, depth + 1) for v in put
    )


def _is_of_decorator(node: ast.expr) -> bool:
    """Whether it is what `@environment` sets."""
    return has_constant(node, "vars")


def _answers_fresh(analysis: Analysis, name: str, depth: int) -> bool:
    """Whether the one function of that name answers a mapping that it has begun itself."""
    found = [
        (p, f)
        for p in programs(analysis)
        for f in p.nodes(ast.FunctionDef)
        if f.name == name and p.whole
    ]
    if len(found) != 1:
        return False
    program, function = found[0]
    answers = [n.value for n in walk(function) if isinstance(n, ast.Return)]
    return bool(answers) and all(
        a is not None and is_fresh(analysis, program, a, depth + 1) for a in answers
    )
