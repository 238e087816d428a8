"""The HTTP requests of an extension: by function, and by the session that somebody has made."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.programs import Program, called, full_name, programs
from metaflow_orchestrator_kit.validate.records import record
from metaflow_orchestrator_kit.validate.rules.syntax import terminal
from metaflow_orchestrator_kit.validate.walking import walk

_VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "request"}
_LIBRARIES = {"requests", "httpx", "aiohttp"}
_SESSIONS = {"Session", "session", "Client", "AsyncClient", "ClientSession"}
_LABEL = "http calls"


@record()
class Request:
    """A request: the call, the program it stands in, and the library that sends it."""

    program: Program
    call: ast.Call
    library: str


def http_requests(analysis: Analysis) -> list[Request]:
    """Every call that sends a request with `requests`, `httpx` or `aiohttp`."""
    known = analysis.memo.get(_LABEL)
    if not isinstance(known, list):
        known = analysis.memo[_LABEL] = list(_all(analysis))
    return known


def _all(analysis: Analysis) -> Iterator[Request]:
    makers = _makers(analysis)
    for program in programs(analysis):
        held: dict[str, list[str]] | None = None
        for call in program.nodes(ast.Call):
            receiver = _receiver(call)
            if receiver is None:
                continue
            library = _library(receiver, program)
            if not library and not isinstance(receiver, ast.Constant):
                held = _held(program, makers) if held is None else held
                library = _of_session(program, call, receiver, makers, held)
            if library:
                yield Request(program, call, library)


def _receiver(call: ast.Call) -> ast.expr | None:
    """What a request is sent with: ``x`` of ``x.get(...)`` and of ``getattr(x, verb)(...)``."""
    match call.func:
        case ast.Attribute(value=value, attr=verb) if verb in _VERBS:
            return value
        case ast.Call(func=ast.Name(id="getattr"), args=[value, name, *_]) if not isinstance(
            name, ast.Constant
        ):
            return value
        case _:
            return None


def _library(node: ast.expr, program: Program) -> str:
    name = full_name(node, program.module).lstrip("_")
    return name if name in _LIBRARIES else ""


def _of_session(
    program: Program,
    call: ast.Call,
    receiver: ast.expr,
    makers: dict[str, str],
    held: dict[str, list[str]],
) -> str:
    """The library of the session *receiver*, or "" when it is none, or one of several things."""
    match receiver:
        case ast.Name(id=name):
            scope = program.function(call) or program.tree
            given = [_made(v, program, makers) for v in _given(scope, name)]
        case ast.Attribute(attr=name):
            given = held.get(name, [])
        case ast.Call():
            given = [_made(receiver, program, makers)]
        case _:
            given = []
    return given[0] if given and all(given) else ""


def _given(scope: ast.AST, name: str) -> Iterator[ast.expr]:
    """What the variable is given in this scope, by ``=`` or by ``with``."""
    for node in walk(scope):
        match node:
            case ast.Assign(targets=targets, value=value):
                if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                    yield value
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value):
                if target == name:
                    yield value
            case ast.withitem(context_expr=value, optional_vars=ast.Name(id=target)):
                if target == name:
                    yield value
            case _:
                pass


def _held(program: Program, makers: dict[str, str]) -> dict[str, list[str]]:
    """The attributes of the program's objects, and the library of each thing they are given."""
    found: dict[str, list[str]] = {}
    given = [(t, n.value) for n in program.nodes(ast.Assign) for t in n.targets]
    given += [(n.target, n.value) for n in program.nodes(ast.AnnAssign) if n.value is not None]
    for target, value in given:
        empty = isinstance(value, ast.Constant) and value.value is None
        if isinstance(target, ast.Attribute) and not empty:
            found.setdefault(target.attr, []).append(_made(value, program, makers))
    return found


def _made(value: ast.expr, program: Program, makers: dict[str, str]) -> str:
    """The library of the session that *value* makes. One that checks each answer is none."""
    match value:
        case ast.BoolOp(op=ast.Or(), values=[*_, last]):
            return _made(last, program, makers)
        case ast.IfExp(body=body, orelse=other):
            return _made(other, program, makers) or _made(body, program, makers)
        case ast.Call(func=func) if called(value) in _SESSIONS:
            name = full_name(func, program.module).lstrip("_")
            library, _, kind = name.rpartition(".")
            checks = any(k.arg in ("event_hooks", "raise_for_status", None) for k in value.keywords)
            return library if kind in _SESSIONS and library in _LIBRARIES and not checks else ""
        case ast.Call(func=func):
            return makers.get(terminal(func), "")
        case _:
            return ""


def _makers(analysis: Analysis) -> dict[str, str]:
    """Functions of the extension that answer a new session, and nothing else."""
    found: dict[str, str] = {}
    for program in programs(analysis):
        for function in program.nodes(ast.FunctionDef):
            returned = [n.value for n in walk(function) if isinstance(n, ast.Return)]
            made = [_answered(function, r, program) for r in returned]
            if made and all(made):
                found[function.name] = made[0]
    return found


def _answered(function: ast.FunctionDef, value: ast.expr | None, program: Program) -> str:
    if isinstance(value, ast.Name):
        changed = any(
            isinstance(n, ast.Attribute)
            and n.attr in ("hooks", "mount", "request")
            and terminal(n.value) == value.id
            for n in walk(function)
        )
        given = [_made(v, program, {}) for v in _given(function, value.id)]
        return given[0] if given and all(given) and not changed else ""
    return _made(value, program, {}) if value is not None else ""
