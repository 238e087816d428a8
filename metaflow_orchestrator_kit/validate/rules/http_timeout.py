from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import edits
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Fix, Severity
from metaflow_orchestrator_kit.validate.programs import (
    Program,
    argument,
    full_name,
    has_splat,
    programs,
)
from metaflow_orchestrator_kit.validate.project import dotted
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.walking import walk

_VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "request"}
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
        makers = _session_makers(analysis)
        for program in programs(analysis):
            for node in _requests(program, makers):
                if argument(node, "timeout") is not None or _third_of_urlopen(node):
                    verdict.ok(program.place(node), "the request has a timeout")
                elif not has_splat(node):
                    text = f"`{dotted(node.func)}` waits for an answer for ever"
                    verdict.fail(program.place(node), text, _FIX, fix=_with_timeout(program, node))
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no HTTP request with requests, httpx or urllib was found")


def _with_timeout(program: Program, node: ast.Call) -> Fix | None:
    module = program.module
    edit = edits.with_keyword(module, node, f"timeout={_SECONDS}") if module else None
    return Fix((edit,), safe=False) if edit else None


def _requests(program: Program, makers: set[str]) -> Iterator[ast.Call]:
    for node in program.nodes(ast.Call):
        if not isinstance(node.func, ast.Attribute | ast.Name):
            continue
        name = full_name(node.func, program.module)
        head, _, verb = name.rpartition(".")
        if (
            (verb == "urlopen" and head in ("", "urllib.request", "request"))
            or (head.lstrip("_") == "requests" and verb in _VERBS)
            or (verb in _VERBS and _is_session(program, node, makers))
        ):
            yield node


def _is_session(program: Program, call: ast.Call, makers: set[str]) -> bool:
    """Whether it is a method of a variable of this function that holds a `requests.Session`."""
    receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
    if not isinstance(receiver, ast.Name):
        return False
    scope: ast.AST = program.function(call) or program.tree
    given = [
        n.value
        for n in walk(scope)
        if isinstance(n, ast.Assign) and any(_is(t, receiver.id) for t in n.targets)
    ]
    return bool(given) and all(isinstance(v, ast.Call) and _makes(v, makers) for v in given)


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _makes(node: ast.Call, makers: set[str]) -> bool:
    name = dotted(node.func) or ""
    return name.lstrip("_") in ("requests.Session", "requests.session") or name in makers


def _session_makers(analysis: Analysis) -> set[str]:
    """Functions of the extension that return a `requests.Session`."""
    found: set[str] = set()
    for module in analysis.project.modules:
        for name, info in module.functions.items():
            made = {
                t.id
                for n in walk(info.node)
                if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call)
                and (dotted(n.value.func) or "").lstrip("_") in ("requests.Session",)
                for t in n.targets if isinstance(t, ast.Name)
            }  # fmt: skip
            returned = [n.value for n in walk(info.node) if isinstance(n, ast.Return)]
            if (
                made
                and returned
                and all(isinstance(r, ast.Name) and r.id in made for r in returned)
            ):
                found.add(name)
    return found


def _third_of_urlopen(node: ast.Call) -> bool:
    return (dotted(node.func) or "").endswith("urlopen") and len(node.args) > 2
