"""What the variables of an expression were given, within its function."""

from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.programs import Program
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
