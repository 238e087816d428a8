"""The texts that a function can answer, when all of them are written out."""

from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.model.values import ClassInfo
from metaflow_orchestrator_kit.validate.modules import Module
from metaflow_orchestrator_kit.validate.project import Project
from metaflow_orchestrator_kit.validate.records import field, record
from metaflow_orchestrator_kit.validate.walking import walk

_MAX_DEPTH = 4


@record(frozen=False)
class Told:
    """What a function answers.

    ``complete`` is False when an answer could not be followed; ``default`` is what is answered
    when nothing else was, ``known`` every text that the code holds beside the answers.
    """

    complete: bool = True
    texts: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    default: str | None = None


class Answers:
    """Follows the answers of the methods of one class through its module and project."""

    def __init__(self, project: Project, cls: ClassInfo) -> None:
        self._project = project
        self._cls = cls

    def of(self, module: Module, node: objects.Function) -> Told:
        """What the function answers."""
        told = Told()
        self._function(module, node, told, 0)
        return told

    def _function(self, module: Module, node: objects.Function, told: Told, depth: int) -> None:
        returns = [n for n in walk(node) if isinstance(n, ast.Return)]
        told.known |= {
            n.value for n in walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
        }
        told.known |= {n.attr for n in walk(node) if isinstance(n, ast.Attribute)}
        if depth > _MAX_DEPTH or any(isinstance(n, ast.Yield) for n in walk(node)):
            told.complete = False
            return
        for answer in sorted(returns, key=lambda r: r.lineno):
            if answer.value is not None:
                self._value(module, node, answer.value, told, depth)

    def _value(
        self, module: Module, function: objects.Function, node: ast.expr, told: Told, depth: int
    ) -> None:
        match node:
            case ast.Constant(value=str(text)):
                told.texts.add(text)
                told.default = text
            case ast.Constant(value=None):
                told.default = None
            case ast.IfExp(body=body, orelse=other):
                self._value(module, function, body, told, depth)
                self._value(module, function, other, told, depth)
            case ast.BoolOp(values=values):
                for value in values:
                    self._value(module, function, value, told, depth)
            case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[_, *default]):
                self._table(module, function, table, told)
                told.default = None
                for value in default:
                    self._value(module, function, value, told, depth)
            case ast.Subscript(value=table):
                self._table(module, function, table, told)
            case ast.Call(func=ast.Name(id=name)) if name in module.functions:
                self._called(module, module.functions[name].node, told, depth)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)):
                method = objects.member(self._project, self._cls, name)
                found = method.node if method is not None else None
                self._called(method.owner.module if method else module, found, told, depth)
            case ast.Name(id=name):
                given = _assigned(function, name)
                told.complete = told.complete and bool(given) and depth <= _MAX_DEPTH
                for value in given if told.complete else ():
                    self._value(module, function, value, told, depth + 1)
            case _:
                told.complete = False

    def _called(self, module: Module, node: object, told: Told, depth: int) -> None:
        if isinstance(node, objects.Function):
            self._function(module, node, told, depth + 1)
        else:
            told.complete = False

    def _table(
        self, module: Module, function: objects.Function, node: ast.expr, told: Told
    ) -> None:
        """The values of a mapping that is written out here, in the class or in the module."""
        tables: list[ast.expr] = [node]
        if isinstance(node, ast.Name):
            tables = _assigned(function, node.id) or _assigned(module.tree, node.id)
        elif isinstance(node, ast.Attribute):
            found = objects.member(self._project, self._cls, node.attr)
            tables = [found.node.value] if found and isinstance(found.node, ast.Assign) else []
        if not tables or not all(isinstance(t, ast.Dict) for t in tables):
            told.complete = False
            return
        for table in tables:
            for key, value in zip(
                getattr(table, "keys", ()), getattr(table, "values", ()), strict=True
            ):
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    told.texts.add(value.value)
                else:
                    told.complete = False
                told.known |= {str(getattr(n, "value", "")) for n in walk(key)} if key else set()
                told.known |= {str(getattr(n, "attr", "")) for n in walk(key)} if key else set()


def _assigned(scope: ast.AST, name: str) -> list[ast.expr]:
    """What a name is given in a function, or at the top of a module."""
    nodes = scope.body if isinstance(scope, ast.Module) else walk(scope)
    return [
        n.value
        for n in nodes
        if isinstance(n, ast.Assign | ast.AnnAssign) and n.value is not None
        for t in (n.targets if isinstance(n, ast.Assign) else [n.target])
        if isinstance(t, ast.Name) and t.id == name
    ]
