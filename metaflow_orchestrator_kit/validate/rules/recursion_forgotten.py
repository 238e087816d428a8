from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.node_types import compared_types
from metaflow_orchestrator_kit.validate.rules.syntax import (
    above,
    index,
    literal,
    nodes,
    terminal,
)

_SELF = regex(r"recurs|self_?loop|loops?_back|iteration_stack|cycl", re.I)


class RecursionForgotten(Rule):
    """Switches are handled, but a switch that leads back to its own step is not.

    Such a step runs again until it chooses another: `step in graph[step].out_funcs`, while
    `in_funcs` does not list it. Code that never asks runs it once and then waits, or goes on
    with a branch that was not chosen. Run it again with a new task id, or refuse it at create.
    """

    code = "MOK206"
    name = "recursion-forgotten"
    clauses = ("D5", "F15")
    severity = Severity.ERROR

    VALID = (
        Example("asked for", compiler("""\
        def visit(node):
            if node.type == "split-switch":
                again = node.name in node.out_funcs
                return loop(node) if again else branch(node)
            return node.name
        """)),
    )  # fmt: skip
    INVALID = (
        Example("not asked for", compiler("""\
        def visit(node):
            if node.type == "split-switch":  # <-- here
                return branch(node)
            return node.name
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        place = compared_types(analysis).get("split-switch")
        if place is None or _refuses_switch(analysis):
            verdict.not_applicable("switches are not run")
            return
        asked = _asked(analysis)
        if asked is not None:
            verdict.ok(asked, "a switch that leads back to its own step is known")
        elif any(_SELF.search(word) for word in index(analysis).words):
            verdict.unsure(place, "recursion is mentioned, but not seen to be asked for")
        else:
            verdict.fail(
                place,
                "a switch that leads back to its own step is neither run nor refused",
                "Ask for `node.name in node.out_funcs`, and run the step again or refuse the flow.",
                confidence=Confidence.MEDIUM,
            )


def _asked(analysis: Analysis) -> Origin | None:
    for module, node in nodes(analysis, ast.Compare):
        match node:
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[right]):
                if terminal(right) == "out_funcs":
                    return analysis.place(module, node)
            case _:
                pass
    return None


def _refuses_switch(analysis: Analysis) -> bool:
    """Whether flows with a switch are refused."""
    for _, node in nodes(analysis, ast.Constant):
        if literal(node) != "split-switch":
            continue
        around = next((n for n in above(analysis, node) if isinstance(n, ast.If)), None)
        if around is not None and any(isinstance(s, ast.Raise) for s in around.body):
            return True
    return False
