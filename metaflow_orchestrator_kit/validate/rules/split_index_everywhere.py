from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

FLAG = "--split-index"
_INSIDE = "is_inside_foreach"


class SplitIndexEverywhere(Rule):
    """`--split-index` is passed to every step inside a foreach.

    Only the steps right below a foreach take an item. `node.is_inside_foreach` is true for all
    steps up to the join: the second step of the body takes an item once more, "does not follow a
    split step", or pushes another level onto the foreach's stack. Ask whether a parent is one.
    """

    code = "MOK993"
    name = "split-index-for-every-step"
    clauses = ("F8",)
    severity = Severity.ERROR

    VALID = (
        Example("below a foreach", compiler("""\
        def command(graph, node, index):
            cmd = ["python", "flow.py", "step", node.name, "--run-id", "r", "--task-id", "t"]
            if any(graph[p].type == "foreach" for p in node.in_funcs):
                cmd += ["--split-index", index]
            return cmd
        """)),
        Example("inside, and below", compiler("""\
        def command(graph, node, index):
            cmd = ["python", "flow.py", "step", node.name, "--run-id", "r", "--task-id", "t"]
            if node.is_inside_foreach:
                if graph[node.in_funcs[0]].type == "foreach":
                    cmd += ["--split-index", index]
            return cmd
        """)),
    )  # fmt: skip
    INVALID = (
        Example("inside", compiler("""\
        def command(node, index):
            cmd = ["python", "flow.py", "step", node.name, "--run-id", "r", "--task-id", "t"]
            if node.is_inside_foreach:
                cmd += ["--split-index", index]  # <-- here
            return cmd
        """)),
        Example("in a line", compiler("""\
        def command(node, index):
            extra = f" --split-index {index}" if node.is_inside_foreach else ""  # <-- here
            return f"python flow.py step {node.name} --run-id r --task-id t" + extra
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable(f"`{FLAG}` is not written out")
        for program in programs(analysis):
            for node in program.nodes(ast.Constant):
                if not (isinstance(node.value, str) and FLAG in node.value):
                    continue
                if program.is_text(node):
                    continue
                tests = list(_tests(program, node))
                place = program.place(node)
                if tests and all(_is_inside(test) for test in tests):
                    text = "every step inside a foreach gets an index, not only the first ones"
                    fix = 'Ask `any(graph[p].type == "foreach" for p in node.in_funcs)`.'
                    verdict.fail(place, text, fix)
                else:
                    verdict.ok(place, "more is asked than whether the step is inside a foreach")


def _tests(program: Program, node: ast.AST) -> Iterator[ast.expr]:
    """The conditions under which *node* is reached, within its function."""
    inner = node
    for outer in program.parents(node):
        match outer:
            case ast.If(test=test) if test is not inner:
                yield test
            case ast.IfExp(test=test) if test is not inner:
                yield test
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return
            case _:
                pass
        inner = outer


def _is_inside(test: ast.expr) -> bool:
    return isinstance(test, ast.Attribute) and test.attr == _INSIDE
