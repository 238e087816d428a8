from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.http_calls import http_requests
from metaflow_orchestrator_kit.validate.walking import walk

_CHECKS = {
    "raise_for_status", "status_code", "ok", "is_success", "is_error", "is_client_error", "reason",
    "status",
}  # fmt: skip


class RefusalUnnoticed(Rule):
    """The scheduler's answer is used without asking whether it is an error.

    `requests` and `httpx` raise nothing for 401, 404 or 500. A deployment that was refused is
    announced as deployed, a run that was not found as terminated, or the id is looked for in the
    text of an error: `KeyError: 'id'`, far from the cause.

    Call `raise_for_status()`, or look at the status code and raise what the server said.
    """

    code = "MOK917"
    name = "refusal-not-noticed"
    clauses = ("B2", "L4")
    severity = Severity.ERROR

    VALID = (
        Example("raised", compiler("""\
        import requests

        def deploy(url, body):
            answer = requests.post(url, json=body, timeout=30)
            answer.raise_for_status()
            return answer.json()["id"]
        """)),
        Example("given to the caller", compiler("""\
        import requests

        def call(url):
            return requests.get(url, timeout=30)
        """)),
        Example("looked at", compiler("""\
        import requests

        def exists(url):
            answer = requests.get(url, timeout=30)
            return answer.status_code == 200 and answer.json()["exists"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the id of an error", compiler("""\
        import requests

        def deploy(url, body):
            answer = requests.post(url, json=body, timeout=30)  # <-- here
            return answer.json()["id"]
        """)),
        Example("nobody listens", compiler("""\
        import requests

        def stop(url):
            requests.delete(url, timeout=30)  # <-- here
        """)),
        Example("at once", compiler("""\
        import httpx

        def state(url):
            return httpx.get(url).json()["state"]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for request in http_requests(analysis):
            program, call = request.program, request.call
            if not program.whole or not _is_sent(call):
                continue
            if _is_noticed(program, call) or _is_best_effort(program, call):
                verdict.ok(program.place(call), "the answer is looked at")
                continue
            text = "nothing asks whether this request was refused"
            fix = "Call `raise_for_status()` on the answer before it is used."
            verdict.fail(program.place(call), text, fix)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no request with requests or httpx was found")


def _is_sent(call: ast.Call) -> bool:
    """Whether the call's answer can be a refusal that matters."""
    return not isinstance(call.func, ast.Attribute) or call.func.attr not in ("head", "options")


def _is_noticed(program: Program, call: ast.Call) -> bool:
    outer = next(program.parents(call), None)
    match outer:
        case ast.Expr():
            return False
        case ast.Attribute(attr=name):
            return name in _CHECKS or name not in ("json", "text", "content")
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            scope = program.function(call) or program.tree
            return _looked_at(program, scope, name)
        case ast.withitem(optional_vars=ast.Name(id=name)):
            return _looked_at(program, program.function(call) or program.tree, name)
        case _:
            return True


def _looked_at(program: Program, scope: ast.AST, name: str) -> bool:
    """Whether the answer is checked, or goes somewhere else that may check it."""
    for node in walk(scope):
        if not isinstance(node, ast.Name) or node.id != name or isinstance(node.ctx, ast.Store):
            continue
        match next(program.parents(node), None):
            case ast.Attribute(attr=attribute):
                if attribute in _CHECKS:
                    return True
            case _:
                return True
    return False


def _is_best_effort(program: Program, call: ast.Call) -> bool:
    """Whether errors are caught around it: then nothing depends on the answer."""
    if not isinstance(next(program.parents(call), None), ast.Expr):
        return False
    inner: ast.AST = call
    for outer in program.parents(call):
        if isinstance(outer, ast.Try) and any(inner is s for s in outer.body) and outer.handlers:
            return not _answers_true(program, outer)
        if isinstance(outer, ast.ExceptHandler):
            return True
        inner = outer
    return False


def _answers_true(program: Program, node: ast.Try) -> bool:
    function = program.function(node)
    return function is not None and any(
        isinstance(n, ast.Return) and isinstance(n.value, ast.Constant) and n.value.value is True
        for n in walk(function)
    )
