"""Where a function writes to a file whose path it was given, and whether it does so twice."""

from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.objects import call_name
from metaflow_orchestrator_kit.validate.walking import walk

Function = ast.FunctionDef | ast.AsyncFunctionDef


def written_again(node: Function, name: str) -> list[ast.Call]:
    """The calls that open the file for writing after another one did, on the same path."""
    opened: list[ast.Call] = []

    def visit(body: list[ast.stmt], before: bool) -> bool:
        """Whether the file has been written when the statements are done."""
        for statement in body:
            branches = _branches(statement)
            if branches:
                done = [visit(branch, before) for branch in branches]
                before = before or any(done)
            for call in _openings(statement, name):
                if before:
                    opened.append(call)
                before = True
            if isinstance(statement, ast.With | ast.AsyncWith | ast.For | ast.While):
                before = visit(statement.body, before)
            if isinstance(statement, ast.Return | ast.Raise):
                return False
        return before

    visit(node.body, False)
    return opened


def _branches(statement: ast.stmt) -> list[list[ast.stmt]]:
    """The alternatives of a statement, of which one is taken."""
    match statement:
        case ast.If(body=body, orelse=orelse):
            return [body, orelse]
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
            return [[*body, *orelse, *final], *([*h.body, *final] for h in handlers)]
        case ast.Match(cases=cases):
            return [case.body for case in cases]
        case _:
            return []


def _openings(statement: ast.stmt, name: str) -> list[ast.Call]:
    """Calls of the statement itself, not of those in it, that open the file for writing."""
    heads: list[ast.AST] = []
    if isinstance(statement, ast.With | ast.AsyncWith):
        heads = [item.context_expr for item in statement.items]
    elif isinstance(statement, ast.Expr | ast.Assign):
        heads = [statement]
    return [
        call
        for head in heads
        for call in walk(head)
        if isinstance(call, ast.Call)
        and (
            (call_name(call) == "open" and call.args and _is_name(call.args[0], name))
            or (call_name(call).endswith("write_text") and on(call, name))
        )
    ]


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def on(call: ast.Call, name: str) -> bool:
    """Whether it is a method of something made from that name."""
    return isinstance(call.func, ast.Attribute) and any(
        isinstance(n, ast.Name) and n.id == name for n in walk(call.func.value)
    )
