from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.places import by_function
from metaflow_orchestrator_kit.validate.rules.syntax import (
    above,
    literal,
    nodes,
    terminal,
    words_of,
)

_NAMES = frozenset(["start", "end"])
#: A step or its name; a node's type, a status, an event, a span may well be "start" or "end".
_STEP = regex(r"^(?:.*_)?(?:step|node)(?:_?name)?$|^(?:parent|child|entry)(?:_?name)?$")
_OWNER = regex(r"^(?:.*_)?(?:step|node|parent|child|nd|n)$")
_GRAPH = regex(r"^_?(?:.*_)?(?:graph|nodes?_by_name|steps_by_name)$")
#: Where definitions of a scheduler keep its steps.
_STATES = frozenset(["States", "steps", "nodes"])
_WALK = regex(r"visit|walk|travers|_node$|_step$", re.I)


class StepNamedByLiteral(Rule):
    """A step is told from others by the name "start" or "end".

    `@step(start=True)` and `@step(end=True)` let a flow call its first and last step anything, and
    a flow of one step has one that is both. Code that compares with the usual names then
    never runs `init`, or fails with KeyError: 'start'. Compare with `graph.start_step` and
    `graph.end_step`.
    """

    code = "MOK202"
    name = "step-named-by-literal"
    clauses = ("D2",)
    severity = Severity.ERROR

    VALID = (
        Example("asked of the graph", compiler("""\
        def visit(graph, node):
            if node.name == graph.start_step:
                return "entry"
            return "last" if node.type == "end" else graph[node.out_funcs[0]].name
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a comparison", compiler("""\
        def inputs(node):
            if node.name == "start":  # <-- here
                return "r/_parameters/p"
            return node.in_funcs
        """)),
        Example("an item of the graph", compiler("""\
        def entry(self):
            return self.graph["start"]  # <-- here
        """)),
        Example("the first state of a definition", compiler("""\
        def owner(definition):
            return definition["States"]["start"]["Parameters"]["owner"]  # <-- here
        """)),
        Example("where a walk begins", compiler("""\
        def compile(self):
            return self._visit_node("start", set())  # <-- here
        """)),
        Example("handed on", compiler("""\
        def compile(graph, plan):
            return plan(steps=list(graph), start_step="start")  # <-- here
        """)),
        Example("in generated code", compiler('''\
        SOURCE = """
        import os
        def run(step_name):
            if step_name == "end":  # <-- here
                os.environ["METAFLOW_LAST"] = "1"
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found: dict[str, list[Origin]] = {}
        for module, node, name in _uses(analysis):
            if not any(_asks_graph(n) for n in above(analysis, node) if isinstance(n, ast.BoolOp)):
                found.setdefault(name, []).append(analysis.place(module, node))
        for name, uses in found.items():
            for place in by_function(analysis, uses):
                verdict.fail(
                    place,
                    f'a step is found by its name "{name}"',
                    f"Use `graph.{name}_step`: the step may have any name.",
                )
        if not found:
            verdict.ok(None, 'no step is found by the name "start" or "end"')


def _asks_graph(node: ast.AST) -> bool:
    return not words_of(node).isdisjoint({"start_step", "end_step"})


def _uses(analysis: Analysis) -> Iterator[tuple[Module, ast.AST, str]]:
    for module, node in nodes(analysis, ast.Compare, ast.Subscript, ast.Call, ast.keyword):
        name: str | None = None
        match node:
            case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq()], comparators=[right]):
                name = _compared(left, right) or _compared(right, left)
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[right]):
                name = _member(left, right)
            case ast.Subscript(value=ast.Subscript(slice=ast.Constant(value=of)), slice=key) if (
                of in _STATES
            ):
                name = _named(key)
            case ast.Subscript(value=value, slice=key):
                name = _named(key) if _GRAPH.match(terminal(value)) else None
            case ast.Call(func=func, args=[first, *_]) if _WALK.search(terminal(func)):
                name = _named(first)
            case ast.keyword(arg="start_step" | "end_step", value=value):
                name = _named(value)
            case _:
                pass
        if name is not None:
            yield module, node, name


def _compared(step: ast.expr, other: ast.expr) -> str | None:
    return _named(other) if _is_step(step) else None


def _member(left: ast.expr, right: ast.expr) -> str | None:
    if isinstance(right, ast.Tuple | ast.List | ast.Set) and _is_step(left):
        return next((name for e in right.elts if (name := _named(e))), None)
    return _named(left) if _GRAPH.match(terminal(right)) else None


def _is_step(node: ast.expr) -> bool:
    match node:
        case ast.Name(id=name):
            return bool(_STEP.match(name))
        case ast.Attribute(attr="name", value=value):
            return bool(_OWNER.match(terminal(value)))
        case ast.Subscript(slice=ast.Constant(value="name"), value=value):
            return bool(_OWNER.match(terminal(value)))
        case ast.Attribute(attr=name):
            return bool(_STEP.match(name))
        case _:
            return False


def _named(node: ast.expr) -> str | None:
    value = literal(node)
    return value if isinstance(value, str) and value in _NAMES else None
