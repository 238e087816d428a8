"""What the variables of an expression were given, within its function."""

from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.programs import Program, called
from metaflow_orchestrator_kit.validate.rules.syntax import terminal
from metaflow_orchestrator_kit.validate.walking import names, walk


def made_of(program: Program, value: ast.expr) -> list[ast.expr]:
    """The expression itself, and what the names in it were assigned in the same function."""
    used = names(value)
    scope = program.function(value)
    if not used or scope is None:
        return [value]
    given = [
        n.value
        for n in walk(scope)
        if isinstance(n, ast.Assign)
        and any(isinstance(t, ast.Name) and terminal(t) in used for t in n.targets)
    ]
    return [value, *given]


def put_into(program: Program, value: ast.expr) -> list[ast.expr]:
    """What ``update()`` puts into the mapping *value*, in its function."""
    function = program.function(value)
    used = names(value)
    return [
        call.args[0]
        for call in walk(function or program.tree)
        if isinstance(call, ast.Call)
        and called(call) == "update"
        and call.args
        and terminal(getattr(call.func, "value", None)) in used
    ]
