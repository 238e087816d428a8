"""The classes behind Metaflow's Deployer API: deployers, deployed flows and triggered runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.model.values import ClassInfo, Origin
from metaflow_orchestrator_kit.validate.plugins import header_of, origin_of, subclasses
from metaflow_orchestrator_kit.validate.project import Project, dotted
from metaflow_orchestrator_kit.validate.records import record
from metaflow_orchestrator_kit.validate.walking import walk

DEPLOYER = "DeployerImpl"
DEPLOYED_FLOW = "DeployedFlow"
TRIGGERED_RUN = "TriggeredRun"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@record()
class Member:
    """Something a class defines under a name: a method, or an assignment."""

    owner: ClassInfo
    node: Function | ast.Assign | ast.AnnAssign

    @property
    def origin(self) -> Origin:
        if isinstance(self.node, Function):
            return header_of(self.owner.module, self.node)
        return origin_of(self.owner.module, self.node)


def leaves(project: Project, base: str) -> list[ClassInfo]:
    """The classes deriving from Metaflow's *base* that no other class of the project extends."""
    found = subclasses(project, base)
    extended = {id(b.node) for c in found for b in project.ancestry(c)[1:]}
    return [c for c in found if id(c.node) not in extended]


def member(project: Project, cls: ClassInfo, name: str) -> Member | None:
    """What *cls*, or its nearest base below DIR, defines as *name*."""
    for owner in project.ancestry(cls):
        found: Member | None = None
        for node in _statements(owner.node.body):
            if isinstance(node, Function):
                defined = [node.name]
            elif isinstance(node, ast.Assign):
                defined = [t.id for t in node.targets if isinstance(t, ast.Name)]
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                defined = [node.target.id] if isinstance(node.target, ast.Name) else []
            else:
                continue
            if name in defined:
                found = Member(owner, node)
        if found is not None:
            return found
    return None


def foreign_bases(project: Project, cls: ClassInfo, *known: str) -> list[str]:
    """Bases that are neither in the project nor among the *known* names: they hide members."""
    return [
        base
        for owner in project.ancestry(cls)
        for base in owner.bases
        if project.resolve_class(base, owner.module) is None
        and base.rpartition(".")[2] not in (*known, "object", "ABC", "Generic", "Protocol")
    ]


def methods(project: Project, cls: ClassInfo) -> Iterator[tuple[ClassInfo, Function]]:
    """Every method of the class and of its bases below DIR."""
    for owner in project.ancestry(cls):
        for node in _statements(owner.node.body):
            if isinstance(node, Function):
                yield owner, node


def decorators(node: Function) -> set[str]:
    """The last parts of the names of a function's decorators."""
    found = set()
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        found.add((dotted(target) or "").rpartition(".")[2])
    return found


def called(node: ast.AST) -> set[str]:
    """The names of what is called below a node, as far as they are written out."""
    return {call_name(n) for n in walk(node) if isinstance(n, ast.Call)}


def call_name(call: ast.Call) -> str:
    """``a.b.c`` for what is called, ``super.c`` for ``super().c``; only ``.c`` for the rest."""
    name = dotted(call.func)
    if name is not None or not isinstance(call.func, ast.Attribute):
        return name or ""
    inner = call.func.value
    is_super = isinstance(inner, ast.Call) and dotted(inner.func) == "super"
    return f"super.{call.func.attr}" if is_super else f".{call.func.attr}"


def refuses(node: Function) -> bool:
    """Whether a method does nothing but raise."""
    body = [s for s in node.body if not _is_text(s)]
    return len(body) == 1 and isinstance(body[0], ast.Raise)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a class body, those under ``if`` and ``try`` too."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from _statements([*node.body, *node.orelse])
