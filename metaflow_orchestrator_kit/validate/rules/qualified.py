"""Which names hold a flow's name with project and branch before it."""

from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.programs import Program, programs, source
from metaflow_orchestrator_kit.validate.rules.assigned import made_of
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import walk


def qualified_names(analysis: Analysis) -> frozenset[str]:
    """The attributes and properties that are `project["flow_name"] if project else name`."""
    found: set[str] = set()
    for program in programs(analysis):
        if program.module is None or "project" not in program.module.source:
            continue
        for node in program.nodes(ast.Assign):
            if _of_project(node.value):
                found.update(t.attr for t in node.targets if isinstance(t, ast.Attribute))
        for answer in program.nodes(ast.Return):
            function = program.function(answer)
            if function is not None and answer.value is not None and _of_project(answer.value):
                found.add(function.name)
    return frozenset(found)


def is_qualified(program: Program, value: ast.expr, names: frozenset[str]) -> bool:
    """Whether *value* is such an attribute, or a variable that its function got from one."""
    return any(
        isinstance(made, ast.Attribute) and terminal(made) in names
        for made in made_of(program, value)
    )


def _of_project(value: ast.expr) -> bool:
    """``project["flow_name"]`` as one of two possibilities, for flows that have a project."""
    return isinstance(value, ast.IfExp) and any(
        isinstance(n, ast.Subscript)
        and literal(n.slice) in ("flow_name", "project_flow_name")
        and "project" in source(n.value)
        for n in walk(value)
    )
