from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import above, literal, nodes, terminal
from metaflow_orchestrator_kit.validate.walking import walk

_NAMES = frozenset(["name", "deco_name", "decorator_name"])


class CatchEmulated(Rule):
    """`@catch` is treated apart from the other decorators.

    Its work happens inside the task: on the last attempt the process ends with 0 and the exception
    is an artifact. A scheduler that catches by itself leaves the task failed and the steps
    below it without inputs. Pass `--retry-count` and `--max-user-code-retries`, schedule the
    error retries that it asks for, and go by the exit code.
    """

    code = "MOK456"
    name = "catch-emulated"
    clauses = ("H6",)
    severity = Severity.WARNING

    VALID = (
        Example("refused on steps where Metaflow refuses it, too", compiler("""\
        def check(node):
            for deco in node.decorators:
                if deco.name == "catch" and node.type == "foreach":
                    raise ValueError("@catch cannot stand on a foreach")
        """)),
    )  # fmt: skip
    INVALID = (
        Example("ignore the failure", compiler("""\
        def continue_on_failure(node):
            return any(deco.name == "catch" for deco in node.decorators)  # <-- here
        """)),
        Example("a task of its own", compiler("""\
        def task(node):
            for deco in node.decorators:
                if deco.name == "catch":  # <-- here
                    return {"allowFailure": True}
            return {}
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("@catch is not mentioned")
        for module, node in nodes(analysis, ast.Compare):
            match node:
                case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
                    named = literal(right) == "catch" and terminal(left) in _NAMES
                case _:
                    named = False
            if not named:
                continue
            place = analysis.place(module, node)
            if _refused(analysis, node):
                verdict.ok(place, "@catch is refused where it cannot work")
                continue
            verdict.fail(
                place,
                "@catch is treated apart from other decorators",
                "Leave it to the task: schedule its error retries and go by the exit code.",
                confidence=Confidence.MEDIUM,
            )


def _refused(analysis: Analysis, node: ast.AST) -> bool:
    for around in above(analysis, node):
        if isinstance(around, ast.If):
            return any(isinstance(n, ast.Raise) for s in around.body for n in walk(s))
        if isinstance(around, ast.FunctionDef | ast.AsyncFunctionDef):
            return False
    return False
