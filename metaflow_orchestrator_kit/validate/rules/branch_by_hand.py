from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.naming import functions
from metaflow_orchestrator_kit.validate.plugins import origin_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import terminal
from metaflow_orchestrator_kit.validate.walking import walk


class BranchByHand(Rule):
    """The branch of a project is put together by hand, and the production branch `prod.x` is lost.

    Metaflow names it `user.me`, `test.x`, `prod`, or `prod.x` when a branch and production are
    asked for together. A copy of that which knows three of the four names a production deployment
    of a branch like that of production itself, and replaces it; its tasks, which Metaflow names,
    belong to another one.

    Ask `current.branch_name` and `current.project_flow_name`, or call Metaflow's `format_name`.
    """

    code = "MOK989"
    name = "branch-made-by-hand"
    clauses = ("J1", "J3")
    severity = Severity.ERROR

    VALID = (
        Example("Metaflow's", compiler("""\
        from metaflow.plugins.project_decorator import format_name
        def name(flow, project, production, branch, user):
            return format_name(flow.name, project, production, branch, user)
        """)),
        Example("the whole of it", compiler("""\
        def branch_name(production, branch, user):
            if branch:
                return "%s.%s" % ("prod" if production else "test", branch)
            return "prod" if production else "user.%s" % user
        """)),
        Example("taken apart", compiler("""\
        def raw(name):
            for prefix in ("test.", "prod.", "user."):
                if name.startswith(prefix):
                    return name[len(prefix):]
            return None if name == "prod" else name
        """)),
    )  # fmt: skip
    INVALID = (
        Example("three of four", compiler("""\
        def branch_name(production, branch, user):
            if production:
                return "prod"
            return f"test.{branch}" if branch else "user.%s" % user  # <-- here
        """)),
        Example("in a chain", compiler("""\
        def flow_name(self, project):
            if self.production:
                branch = "prod"
            elif self.branch:
                branch = "test.%s" % self.branch  # <-- here
            else:
                branch = "user.%s" % self.username
            return "%s.%s.%s" % (project, branch, self.name)
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = False
        for module in analysis.project.modules:
            if "prod" not in module.source:
                continue
            for function in functions(module):
                made = {prefix: _made(function, prefix) for prefix in ("test", "user", "prod")}
                test, user = made["test"], made["user"]
                if test is None or user is None or not _says_prod(function):
                    continue
                found = True
                if made["prod"] is not None or _asks_metaflow(function):
                    verdict.ok(origin_of(module, test), "a production branch has a name too")
                else:
                    verdict.fail(
                        origin_of(module, test),
                        "the branch is put together by hand, and a branch of production is `prod`",
                        "Ask `current.branch_name`, or call Metaflow's `format_name`.",
                    )
        if not found:
            verdict.ok(None, "no branch is put together by hand")


def _made(function: ast.AST, prefix: str) -> ast.expr | None:
    """Where a text that begins with `prefix.` and goes on with a value is made."""
    for node in walk(function):
        match node:
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod() | ast.Add()):
                made = text in (f"{prefix}.%s", f"{prefix}.")
            case ast.JoinedStr(values=[ast.Constant(value=str(text)), _, *_]):
                made = text == f"{prefix}."
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
                made = text == f"{prefix}.{{}}"
            case _:
                continue
        if made and isinstance(node, ast.expr):
            return node
    return None


def _asks_metaflow(function: ast.AST) -> bool:
    return any(
        isinstance(n, ast.Call) and terminal(n.func) == "format_name" for n in walk(function)
    )


def _says_prod(function: ast.AST) -> bool:
    return any(isinstance(n, ast.Constant) and n.value == "prod" for n in walk(function))
