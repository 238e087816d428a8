"""Processes that a command of the extension starts, and of which it asks nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.rules.syntax import above, literal
from metaflow_orchestrator_kit.validate.walking import walk

_LIBRARY = "subprocess"
_WAITS = ("run", "call")


def dropped_by_commands(analysis: Analysis) -> Iterator[Origin]:
    """Where a click command runs a process to its end, and goes on as if it had succeeded.

    What is started in a `finally` or an `except` cleans up, and what a `try` surrounds may fail.
    """
    for command in clicks.commands(analysis.project):
        for node in walk(command.node):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=library), attr=name)):
                    if library.strip("_") != _LIBRARY or name not in _WAITS:
                        continue
                    if _is_dropped(analysis, node) and not _cleans_up(analysis, node):
                        yield analysis.place(command.module, node)
                case _:
                    pass


def _is_dropped(analysis: Analysis, call: ast.Call) -> bool:
    if any(k.arg is None or (k.arg == "check" and literal(k.value)) for k in call.keywords):
        return False
    return isinstance(next(iter(above(analysis, call)), None), ast.Expr)


def _cleans_up(analysis: Analysis, call: ast.Call) -> bool:
    inner: ast.AST = call
    for outer in above(analysis, call):
        match outer:
            case ast.Try(handlers=[_, *_], body=body) if any(s is inner for s in body):
                return True
            case ast.Try(finalbody=last) if any(s is inner for s in last):
                return True
            case ast.ExceptHandler():
                return True
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return False
            case _:
                pass
        inner = outer
    return False
