"""What names of Metaflow a program binds, and whether it minds their absence."""

from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.host import Host
from metaflow_orchestrator_kit.validate.programs import Program, source
from metaflow_orchestrator_kit.validate.project import dotted


def modules_bound(program: Program, metaflow: Host) -> dict[str, str]:
    """Names that stand for a module of Metaflow wherever they are bound in this program."""
    found: dict[str, str] = {}
    for node in program.nodes(ast.ImportFrom):
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            if node.level or not metaflow.exists(full):
                continue
            if metaflow.defines(node.module or "", alias.name) is not True:
                found[alias.asname or alias.name] = full
    for plain in program.nodes(ast.Import):
        for alias in plain.names:
            if alias.asname and metaflow.exists(alias.name):
                found[alias.asname] = alias.name
    for name in {n.id for n in program.nodes(ast.Name) if isinstance(n.ctx, ast.Store)}:
        found.pop(name, None)
    for argument in program.nodes(ast.arg):
        found.pop(argument.arg, None)
    return found


def is_guarded(program: Program, node: ast.AST) -> bool:
    """Whether the code says what to do when the name is not there."""
    inner = node
    for outer in program.parents(node):
        if isinstance(outer, ast.Try) and any(inner is s for s in outer.body) and outer.handlers:
            return True
        if isinstance(outer, ast.If) and "hasattr" in (source(outer.test)):
            return True
        if isinstance(outer, ast.If) and (dotted(outer.test) or "").endswith("TYPE_CHECKING"):
            return True
        inner = outer
    return False
