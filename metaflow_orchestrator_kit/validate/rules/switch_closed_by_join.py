from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal

_SWITCH = "split-switch"
_FIX = "Leave out the test for `join`: it is the first step that all branches lead to."


class SwitchClosedByJoin(Rule):
    """The step where the branches of a switch meet is looked for among the joins.

    Only one branch of a switch runs, so the step after them gets one input and is no join: its
    type is `linear`, or whatever it does next. Looked for among the joins it is never found, and
    is taken for a part of one branch: the others end before it, or it waits for a branch that
    was not taken.

    Take the first step that all branches lead to, whatever its type.
    """

    code = "MOK971"
    name = "switch-closed-by-join"
    clauses = ("D3", "D4", "F13")
    severity = Severity.ERROR

    VALID = (
        Example("whatever its type", compiler("""\
        def is_merge(graph, node):
            above = {g for p in node.in_funcs for g in graph[p].in_funcs}
            return any(graph[g].type == "split-switch" for g in above)
        """)),
        Example("a join that is told apart from a merge", compiler("""\
        def inputs(graph, node):
            if node.type == "join":
                return "many"
            if any(graph[p].type == "split-switch" for p in node.in_funcs):
                return "one"
        """)),
    )  # fmt: skip
    INVALID = (
        Example("after what is no join was sent away", compiler("""\
        def is_merge(graph, node):
            if node.type != "join":
                return False
            above = {g for p in node.in_funcs for g in graph[p].in_funcs}
            return any(graph[g].type == "split-switch" for g in above)  # <-- here
        """)),
        Example("in one expression", compiler("""\
        def closes_switch(graph, node):
            above = graph[node.in_funcs[0]].in_funcs
            return node.type == "join" and graph[above[0]].type == "split-switch"  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for node in program.nodes(ast.Compare):
                step = _asked(node, _SWITCH, ast.Eq)
                function = program.function(node)
                if step is None or function is None:
                    continue
                inside = list(program.parents(node))
                joins = {*_required_beside(inside), *_required_before(function, inside)}
                if any(join != ast.dump(step) for join in joins):
                    text = "no join closes a switch: its branches meet in a step of another type"
                    verdict.fail(program.place(node), text, _FIX)
                else:
                    verdict.ok(program.place(node), "a switch is not taken to end in a join")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no step is asked whether it is a switch")


def _asked(node: ast.AST, kind: str, how: type[ast.cmpop]) -> ast.expr | None:
    """The step of which *node* asks whether its type is *kind*."""
    match node:
        case ast.Compare(
            left=ast.Attribute(value=step, attr="type"), ops=[operator], comparators=[right]
        ) if isinstance(operator, how) and literal(right) == kind:
            return step
        case _:
            return None


def _required_beside(inside: list[ast.AST]) -> Iterator[str]:
    """The steps that have to be joins for the same ``and`` to hold."""
    for outer in inside:
        if isinstance(outer, ast.stmt):
            return
        if isinstance(outer, ast.BoolOp) and isinstance(outer.op, ast.And):
            steps = [_asked(value, "join", ast.Eq) for value in outer.values]
            yield from (ast.dump(step) for step in steps if step is not None)


def _required_before(function: ast.AST, inside: list[ast.AST]) -> Iterator[str]:
    """The steps of which the function has let go, in a statement above, what is no join."""
    for statement in getattr(function, "body", []):
        if statement in inside:
            return
        if (
            isinstance(statement, ast.If)
            and not statement.orelse
            and isinstance(statement.body[-1], ast.Return | ast.Continue)
        ):
            conjuncts = [statement.test]
            if isinstance(statement.test, ast.BoolOp) and isinstance(statement.test.op, ast.Or):
                conjuncts = statement.test.values
            steps = [_asked(test, "join", ast.NotEq) for test in conjuncts]
            yield from (ast.dump(step) for step in steps if step is not None)
