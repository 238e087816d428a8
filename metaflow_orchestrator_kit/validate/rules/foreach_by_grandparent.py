from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.rules.assigned import made_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.joins_by_membership import closes_any
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import walk

_MAX_STEPS = 6


class ForeachByGrandparent(Rule):
    """The fan-out that a join closes is looked for two steps above it.

    `graph[graph[join.in_funcs[0]].in_funcs[0]]` is the foreach only when its body is one step.
    With two steps in the body the join is taken for a static one: it gets one input of many, or
    the inputs of the wrong steps.

    Ask `graph[node.split_parents[-1]]`: it is the step that opened what the join closes.
    """

    code = "MOK224"
    name = "foreach-looked-for-two-steps-above"
    clauses = ("D4", "F9")
    severity = Severity.ERROR

    VALID = (
        Example("by the split it closes", compiler("""\
        def is_foreach_join(graph, node):
            parent = graph[node.in_funcs[0]]
            return parent.name, graph[node.split_parents[-1]].type == "foreach"
        """)),
        Example("a child of a foreach", compiler("""\
        def is_child(graph, node):
            return graph[node.in_funcs[0]].type == "foreach"
        """)),
    )  # fmt: skip
    INVALID = (
        Example("through a variable", compiler("""\
        def is_foreach_join(graph, node):
            parent = graph[node.in_funcs[0]]
            return graph[parent.in_funcs[0]].type == "foreach"  # <-- here
        """)),
        Example("the outermost split", compiler("""\
        def closes_foreach(graph, node):
            if node.type != "join":
                return False
            return graph[node.split_parents[0]].type == "foreach"  # <-- here
        """)),
        Example("any split around it", compiler("""\
        def join_of(graph, split):
            for node in graph:
                if node.type == "join" and split.name in node.split_parents:  # <-- here
                    return node
        """)),
        Example("in one expression", compiler("""\
        def width(graph, node):
            fan = graph[graph[node.in_funcs[0]].in_funcs[0]]
            return fan.name if fan.type == "foreach" else None  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for node in program.nodes(ast.Compare):
                if closes_any(program, node):
                    text = "a join inside has this split among its `split_parents` as well"
                    verdict.fail(program.place(node), text, "Compare with `split_parents[-1]`.")
                    continue
                owner = _typed(node)
                if _is_outermost(program, node) and _is_about_joins(program, node):
                    text = "`split_parents[0]` opened the outermost split, not what a join closes"
                    verdict.fail(program.place(node), text, "Take the last: `split_parents[-1]`.")
                    continue
                if owner is None:
                    continue
                function = program.function(node)
                if function is None or _steps_above(function, owner, 0) < 2:
                    verdict.ok(program.place(node), "the foreach is not looked for far above")
                elif _walks(program, node):
                    verdict.ok(program.place(node), "the graph is walked upwards")
                else:
                    text = "this is the foreach only when its body is a single step"
                    fix = "Ask `graph[node.split_parents[-1]].type`."
                    verdict.fail(program.place(node), text, fix)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no step is asked whether it is a foreach")


def _typed(node: ast.Compare) -> ast.expr | None:
    """The step of ``<step>.type == "foreach"``."""
    match node:
        case ast.Compare(left=ast.Attribute(value=owner, attr="type"), comparators=[right]):
            return owner if literal(right) == "foreach" else None
        case _:
            return None


def _is_outermost(program: Program, node: ast.Compare) -> bool:
    """``graph[node.split_parents[0]].type == ...``, also of what a variable was given."""
    match node.left:
        case ast.Attribute(value=owner, attr="type"):
            *_, step = made_of(program, owner) if isinstance(owner, ast.Name) else (owner,)
        case _:
            return False
    match step:
        case ast.Subscript(
            slice=ast.Subscript(value=ast.Attribute(attr="split_parents"), slice=index)
        ):
            return literal(index) == 0
        case _:
            return False


def _is_about_joins(program: Program, node: ast.AST) -> bool:
    function = program.function(node)
    return function is not None and any(
        isinstance(n, ast.Constant) and n.value == "join" for n in walk(function)
    )


def _steps_above(function: ast.AST, node: ast.expr, depth: int) -> int:
    """How many times the first parent of a step was taken."""
    if depth > _MAX_STEPS:
        return 0
    match node:
        case ast.Subscript(
            value=graph,
            slice=ast.Subscript(value=ast.Attribute(value=step, attr="in_funcs"), slice=index),
        ):
            known = terminal(graph).endswith("graph") and literal(index) == 0
            return 1 + _steps_above(function, step, depth + 1) if known else 0
        case ast.Name(id=name):
            given = [
                n.value
                for n in walk(function)
                if isinstance(n, ast.Assign)
                and any(isinstance(t, ast.Name) and t.id == name for t in n.targets)
            ]
            return _steps_above(function, given[0], depth + 1) if len(given) == 1 else 0
        case _:
            return 0


def _walks(program: Program, node: ast.AST) -> bool:
    return any(isinstance(outer, ast.While) for outer in program.parents(node))
