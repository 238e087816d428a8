from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import (
    above,
    literal,
    nodes,
    terminal,
    words_of,
)
from metaflow_orchestrator_kit.validate.walking import walk

_JOIN = regex(r"(?:^|_)join", re.I)
_APART = frozenset(["type", "switch", "conditional", "condition", "split_parents", "merge"])


class JoinByParents(Rule):
    """A step is taken for a join because it has several parents.

    A step where the branches of a switch meet has several parents as well, and its type is
    `linear`: only one of them ran. Given two inputs it fails with "is not a join step but it
    gets multiple inputs", or it waits for ever for the branch that was not taken. Ask for
    `node.type == "join"`.
    """

    code = "MOK204"
    name = "join-by-parents"
    clauses = ("D4",)
    severity = Severity.ERROR

    VALID = (
        Example("by its type", compiler("""\
        def is_join(node):
            return node.type == "join" and len(node.in_funcs) > 1
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a variable", compiler("""\
        def inputs(node):
            is_join = len(node.in_funcs) > 1  # <-- here
            return all_of(node) if is_join else one_of(node)
        """)),
        Example("a function", compiler("""\
        def is_join_step(node):
            return len(node.in_funcs) >= 2  # <-- here
        """)),
        Example("a branch", compiler("""\
        def task(node):
            if len(node.in_funcs) > 1:  # <-- here
                return join_task(node)
            return plain_task(node)
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("the number of a step's parents is not asked for")
        for module, node in nodes(analysis, ast.Compare):
            if not isinstance(node, ast.Compare) or not _counts_parents(node):
                continue
            place = analysis.place(module, node)
            if self._decides(analysis, node):
                verdict.fail(
                    place,
                    "a step with several parents is taken for a join",
                    'Ask for `node.type == "join"`: branches of a switch meet without one.',
                )
            else:
                verdict.ok(place, "the number of parents does not make a join")

    def _decides(self, analysis: Analysis, node: ast.Compare) -> bool:
        """Whether what the comparison leads to is called a join."""
        for around in above(analysis, node):
            match around:
                case ast.BoolOp() if words_of(around) & _APART:
                    return False
                case ast.Assign(targets=[target, *_]):
                    return bool(_JOIN.search(terminal(target)))
                case ast.IfExp(body=body):
                    return _named_join(body)
                case ast.If(test=test, body=body):
                    inside = any(n is node for n in walk(test))
                    return inside and any(_named_join(s) for s in body) and not _apart(body)
                case ast.FunctionDef(name=name):
                    return bool(_JOIN.search(name)) and not words_of(around) & _APART
                case ast.stmt() if not isinstance(around, ast.Return):
                    return False
                case _:
                    pass
        return False


def _counts_parents(node: ast.Compare) -> bool:
    match node:
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="len"), args=[counted]),
            ops=[ast.Gt() | ast.GtE() | ast.NotEq() as operator],
            comparators=[limit],
        ):
            many = 2 if isinstance(operator, ast.GtE) else 1
            return terminal(counted) == "in_funcs" and literal(limit) == many
        case _:
            return False


def _named_join(node: ast.AST) -> bool:
    """Whether it calls something by the name of a join, string joining apart."""
    return any(
        isinstance(n, ast.Call) and terminal(n.func) != "join" and _JOIN.search(terminal(n.func))
        for n in walk(node)
    )


def _apart(body: list[ast.stmt]) -> bool:
    return any(words_of(s) & _APART for s in body)
