from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import edits
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Fix, Severity
from metaflow_orchestrator_kit.validate.programs import (
    Program,
    argument,
    called,
    full_name,
    has_splat,
    programs,
)
from metaflow_orchestrator_kit.validate.project import dotted
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.http_calls import http_requests
from metaflow_orchestrator_kit.validate.rules.syntax import literal, words_of
from metaflow_orchestrator_kit.validate.walking import source

_CONNECTIONS = {"HTTPConnection", "HTTPSConnection"}
_CLIENTS = {"Client", "AsyncClient"}
_SECONDS = 30
_FIX = "Pass timeout= (seconds); a scheduler that does not answer is then an error with a name."


class HttpWithoutTimeout(Rule):
    """An HTTP request has no timeout.

    `requests` and `urllib` wait for ever by default. When the scheduler accepts the connection
    and does not answer, `create()`, `trigger()` or a task hangs without a word, and a caller that
    polls `status` never comes back. Pass `timeout=` to every request.
    """

    code = "MOK904"
    name = "http-without-timeout"
    clauses = ("C6",)
    severity = Severity.WARNING

    VALID = (
        Example("a timeout", compiler("""\
        import requests

        def status(url):
            return requests.get(url, timeout=30).json()
        """)),
        Example("a session whose calls have one", compiler("""\
        import requests

        def deploy(url, body):
            session = requests.Session()
            return session.post(url, json=body, timeout=(5, 60))
        """)),
    )  # fmt: skip
    INVALID = (
        Example("none", compiler("""\
        import requests

        def start(url, body):
            return requests.post(url, json=body)  # <-- here
        """)),
        Example("urlopen", compiler("""\
        from urllib.request import urlopen

        def state(url):
            with urlopen(url) as answer:  # <-- here
                return answer.read()
        """)),
        Example("a session that a helper made", compiler("""\
        import requests

        def client(token):
            session = requests.Session()
            session.headers["Authorization"] = token
            return session

        def start(url, token):
            http = client(token)
            return http.post(url)  # <-- here
        """)),
        Example("in generated code", compiler('''\
        TEMPLATE = """
        import requests
        def notify(url):
            requests.post(url, json={})  # <-- here
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program, node in _requests(analysis):
            given = argument(node, "timeout")
            if literal(given) is None:
                verdict.fail(program.place(node), f"`{_name(node)}` is told to wait for ever", _FIX)
            elif given is not None or _third_argument(node):
                verdict.ok(program.place(node), "the request has a timeout")
            elif not has_splat(node) or _never_passed(analysis, program, node):
                text = f"`{_name(node)}` waits for an answer for ever"
                verdict.fail(program.place(node), text, _FIX, fix=_with_timeout(program, node))
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no HTTP request with requests, httpx or urllib was found")


def _name(node: ast.Call) -> str:
    return dotted(node.func) or source(node.func)


def _with_timeout(program: Program, node: ast.Call) -> Fix | None:
    module = program.module
    if module is None or has_splat(node):
        return None
    edit = edits.with_keyword(module, node, f"timeout={_SECONDS}")
    return Fix((edit,), safe=False) if edit else None


def _requests(analysis: Analysis) -> Iterator[tuple[Program, ast.Call]]:
    """Calls that wait for an answer for ever unless they are told otherwise."""
    for request in http_requests(analysis):
        if request.library == "requests":
            yield request.program, request.call
    for program in programs(analysis):
        for node in program.nodes(ast.Call):
            head, _, last = full_name(node.func, program.module).rpartition(".")
            opens = last == "urlopen" and head in ("", "urllib.request", "request")
            connects = last in _CONNECTIONS and head in ("http.client", "client")
            makes = last in _CLIENTS and head.lstrip("_") == "httpx"
            if opens or connects or (makes and literal(argument(node, "timeout")) is None):
                yield program, node


def _never_passed(analysis: Analysis, program: Program, node: ast.Call) -> bool:
    """Whether the keywords that a function hands on are its own, and no caller has a timeout."""
    function = program.function(node)
    splats = [k.value for k in node.keywords if k.arg is None]
    kwarg = function.args.kwarg if function is not None else None
    if function is None or kwarg is None or "timeout" in words_of(function):
        return False
    if any(not isinstance(s, ast.Name) or s.id != kwarg.arg for s in splats):
        return False
    calls = [c for p in programs(analysis) for c in p.calls(function.name)]
    return bool(calls) and not any(has_splat(c) or argument(c, "timeout") for c in calls)


def _third_argument(node: ast.Call) -> bool:
    """The timeout of `urlopen` and of a connection, where it has no name."""
    return called(node) in {"urlopen", *_CONNECTIONS} and len(node.args) > 2
