"""Modules that an extension adds to the package ``metaflow`` itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.project import NAMESPACE, Module, Project

_LIST = "__mf_promote_submodules__"


def is_promoted(project: Project, module: str) -> bool:
    """Whether importing ``metaflow.a.b`` leads to a module of an extension that is read here.

    What stands in an extension's `toplevel` is found below `metaflow`, and so is what a module
    names in `__mf_promote_submodules__`.
    """
    inside = module.removeprefix("metaflow.")
    first = inside.partition(".")[0]
    own = [m for m in project.modules if NAMESPACE in m.path.split("/")]
    if any(f".toplevel.{first}." in f"{m.dotted}." for m in own):
        return True
    named = {name for m in own for name in _named(m)}
    named |= {f"plugins.{name}" for name in named}
    return any(f"{inside}.".startswith(f"{name}.") for name in named)


def _named(module: Module) -> Iterator[str]:
    for statement in module.tree.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == _LIST for t in statement.targets
        ):
            for node in ast.walk(statement.value):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
