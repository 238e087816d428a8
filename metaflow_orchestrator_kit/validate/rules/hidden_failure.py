from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import origin_of
from metaflow_orchestrator_kit.validate.project import dotted
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_file
from metaflow_orchestrator_kit.validate.walking import walk

_OPERATIONS = ("terminate", "delete", "suspend", "unsuspend", "cancel")
_BASES = (objects.TRIGGERED_RUN, objects.DEPLOYED_FLOW)
_BROAD = {"Exception", "BaseException", ""}
_HEAD = """\
from metaflow.runner.deployer import TriggeredRun

class AcmeTriggeredRun(TriggeredRun):
    def terminate(self, **kwargs):
"""


class HiddenFailure(Rule):
    """An operation on a run or deployment answers True although it failed.

    `terminate`, `delete`, `suspend` answer whether they worked. When every error is caught and
    True follows, the user goes on believing that the run was stopped, while it still writes.

    Answer False in the handler, or let the error through.
    """

    code = "MOK153"
    name = "failure-answered-as-success"
    clauses = ("L4", "B13")
    severity = Severity.ERROR

    VALID = (
        Example("False when it failed", objects_file(_HEAD + """\
        try:
            client().stop(self.name)
        except Exception:
            return False
        return True
""")),
        Example("let through", objects_file(_HEAD + """\
        client().stop(self.name)
        return True
""")),
    )  # fmt: skip
    INVALID = (
        Example("True after all", objects_file(_HEAD + """\
        try:
            client().stop(self.name)
        except Exception:  # <-- here
            pass
        return True
""")),
        Example("True in the handler", objects_file(_HEAD + """\
        try:
            return client().stop(self.name)
        except Exception as error:  # <-- here
            print(error)
            return True
""")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        seen: set[int] = set()
        for cls in (c for base in _BASES for c in objects.leaves(project, base)):
            for name in _OPERATIONS:
                member = objects.member(project, cls, name)
                if member is None or not isinstance(member.node, objects.Function):
                    continue
                if id(member.node) in seen:
                    continue
                seen.add(id(member.node))
                hidden = _hidden(member.node)
                if hidden is None:
                    verdict.ok(member.origin, f"`{name}` hides no failure")
                    continue
                verdict.fail(
                    origin_of(member.owner.module, hidden)._replace(end_line=hidden.lineno),
                    f"`{name}` answers True when it failed",
                    "Answer False here, or let the error through.",
                )
        if not seen:
            verdict.not_applicable("no operation on runs or deployments is defined here")


def _hidden(method: objects.Function) -> ast.ExceptHandler | None:
    """A handler of every error after which the method answers True."""
    for node in walk(method):
        if not isinstance(node, ast.Try) or not any(_calls(s) for s in node.body):
            continue
        for handler in node.handlers:
            if not _is_broad(handler) or any(isinstance(n, ast.Raise) for n in walk(handler)):
                continue
            last = handler.body[-1]
            if _is_true(last) or (
                all(isinstance(s, ast.Pass | ast.Expr) for s in handler.body)
                and not node.finalbody
                and _then_true(method, node)
            ):
                return handler
    return None


def _calls(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Call) for n in walk(node))


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return ((dotted(handler.type) or "?") if handler.type is not None else "") in _BROAD


def _is_true(node: ast.stmt) -> bool:
    match node:
        case ast.Return(value=ast.Constant(value=True)):
            return True
        case _:
            return False


def _then_true(method: objects.Function, node: ast.Try) -> bool:
    """Whether the statement right after the `try` answers True."""
    after = method.body[method.body.index(node) + 1 :] if node in method.body else []
    return bool(after) and _is_true(after[0])
