"""Whether the step decorators that an extension registers are attached to the tasks."""

from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import Program, programs

_DESCRIPTIONS = "STEP_DECORATORS_DESC"
_ENDING = "_internal"


def never_attached(analysis: Analysis) -> tuple[Origin, str] | None:
    """The internal decorator that is registered and named by nothing that could attach it.

    Lists of decorators to leave out, comparisons, and the class's own name attach nothing. Where
    a name is put together, or a decorator's own `name` is used, nothing is said.
    """
    registered = list(_registered(analysis))
    if len(registered) != 1:
        return None
    program, node = registered[0]
    name = str(node.value)
    for other in programs(analysis):
        for text in other.nodes(ast.Constant):
            if not isinstance(text.value, str) or _ENDING not in text.value or text is node:
                continue
            if other.is_text(text):
                continue
            if text.value != name or not _attaches_nothing(other, text):
                return None
        if any(n.attr == "name" and _is_class(n.value) for n in other.nodes(ast.Attribute)):
            return None
    return program.place(node), name


def _registered(analysis: Analysis) -> list[tuple[Program, ast.Constant]]:
    found: list[tuple[Program, ast.Constant]] = []
    for program in programs(analysis):
        for assign in program.nodes(ast.Assign):
            if not any(getattr(t, "id", "") == _DESCRIPTIONS for t in assign.targets):
                continue
            for pair in getattr(assign.value, "elts", ()):
                match pair:
                    case ast.Tuple(elts=[ast.Constant(value=str(name)) as node, *_]):
                        if name.endswith(_ENDING):
                            found.append((program, node))
                    case _:
                        pass
    return found


def _attaches_nothing(program: Program, node: ast.Constant) -> bool:
    match next(program.parents(node), None):
        case ast.Set() | ast.Compare():
            return True
        case ast.Assign(targets=[ast.Name(id="name" | "TYPE")]):
            return True
        case _:
            return False


def _is_class(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id.endswith(("Decorator", "Internal"))
