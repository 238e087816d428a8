from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.node_types import TYPES
from metaflow_orchestrator_kit.validate.rules.syntax import literal
from metaflow_orchestrator_kit.validate.walking import source, walk

#: What nodes are taken for: names of old releases, of other parts of Metaflow, and guesses.
_NO_TYPES = {
    "split-and": "split", "split-or": "split", "split-static": "split", "static-split": "split",
    "branch": "split", "fork": "split", "parallel": "foreach", "split-foreach": "foreach",
    "foreach-split": "foreach", "map": "foreach", "switch": "split-switch",
    "split_switch": "split-switch", "conditional": "split-switch", "choice": "split-switch",
    "join-foreach": "join", "foreach-join": "join", "step": "linear", "task": "linear",
}  # fmt: skip


class NoSuchType(Rule):
    """A step is asked for a type that no step has.

    The types of `graph` are start, linear, split, foreach, split-switch, join and end. A branch
    for `split-and` or `switch` is never taken: such steps are compiled by whatever comes last,
    most often like a linear one, and their branches are lost.

    Compare with the type that Metaflow uses.
    """

    code = "MOK225"
    name = "node-type-that-does-not-exist"
    clauses = ("D3",)
    severity = Severity.ERROR

    VALID = (
        Example("those that exist", compiler("""\
        def kind(node):
            if node.type == "linear":
                return "task"
            return "fork" if node.type in ("split", "split-and") else "other"
        """)),
    )  # fmt: skip
    INVALID = (
        Example("of an old release", compiler("""\
        def kind(node):
            if node.type == "linear":
                return "task"
            if node.type == "split-and":  # <-- here
                return "fork"
            return "map" if node.type == "foreach" else "other"
        """)),
        Example("shortened", compiler("""\
        def kind(node):
            if node.type == "switch":  # <-- here
                return "choice"
            return "map" if node.type == "foreach" else "other"
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for node in program.nodes(ast.Compare):
                step, asked = _asked(node)
                if step is None or asked not in (*TYPES, *_NO_TYPES):
                    continue
                known = _compared(program, node, step)
                if asked in TYPES or not known & TYPES:
                    verdict.ok(program.place(node), f"`{asked}` is asked for")
                elif _NO_TYPES[asked] in known:
                    verdict.ok(program.place(node), "the type that exists is asked for as well")
                else:
                    text = f'no step is of the type "{asked}"'
                    fix = f'Ask for "{_NO_TYPES[asked]}".'
                    verdict.fail(program.place(node), text, fix)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("the types of steps are not compared")


def _asked(node: ast.Compare) -> tuple[str | None, str]:
    """``step.type == "x"``: the step as it is written, and the type."""
    match node:
        case ast.Compare(
            left=ast.Attribute(attr="type") as left,
            ops=[ast.Eq()],
            comparators=[ast.Constant(value=str(asked))],
        ):
            return source(left), asked
        case _:
            return None, ""


def _compared(program: Program, node: ast.Compare, step: str) -> set[str]:
    """All types that this step is compared with in the same function."""
    scope: ast.AST = program.function(node) or program.tree
    return {
        str(literal(constant))
        for compare in walk(scope)
        if isinstance(compare, ast.Compare) and source(compare.left) == step
        for right in compare.comparators
        for constant in walk(right)
        if isinstance(constant, ast.Constant)
    }
