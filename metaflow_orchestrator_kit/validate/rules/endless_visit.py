from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.node_types import knows_switch
from metaflow_orchestrator_kit.validate.rules.syntax import nodes, terminal, words_of
from metaflow_orchestrator_kit.validate.walking import walk


class EndlessVisit(Rule):
    """A function visits the steps below a step by calling itself, and remembers none.

    A switch may lead back to its own step: such a visit never ends (RecursionError at
    create). Without a cycle it visits what several branches lead to once for each of
    them, so steps appear twice. Remember the steps that were visited.
    """

    code = "MOK205"
    name = "endless-visit"
    clauses = ("D5",)
    severity = Severity.ERROR

    VALID = (
        Example("remembered", compiler("""\
        SWITCH = "split-switch"
        def visit(graph, name, seen):
            if name in seen:
                return
            seen.add(name)
            for child in graph[name].out_funcs:
                visit(graph, child, seen)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("not remembered", compiler("""\
        SWITCH = "split-switch"
        def visit(graph, name):  # <-- here
            yield name
            for child in graph[name].out_funcs:
                yield from visit(graph, child)
        """)),
        Example("a method", compiler("""\
        class Compiler:
            def _visit(self, node):  # <-- here
                if node.type == "split-switch":
                    self.switches.append(node.name)
                for child in node.out_funcs:
                    self._visit(self.graph[child])
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no function visits the graph by calling itself")
        if not knows_switch(analysis):
            verdict.not_applicable("flows with a switch are not handled")
            return
        for module, function in _visits(analysis):
            place = analysis.place(module, function)
            if _remembers(function):
                verdict.ok(place, f"{function.name}() stops at what it has seen")
                continue
            verdict.fail(
                place,
                f"{function.name}() follows `out_funcs` and does not remember where it was",
                "Stop at a step that was visited: a switch may lead back to its own step.",
                confidence=Confidence.MEDIUM,
            )


def _visits(analysis: Analysis) -> Iterator[tuple[Module, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for module, node in nodes(analysis, ast.FunctionDef, ast.AsyncFunctionDef):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if "out_funcs" in words_of(node) and any(_goes_on(n, node.name) for n in walk(node)):
            yield module, node


def _goes_on(loop: ast.AST, name: str) -> bool:
    """Whether it is a loop over the steps below that calls the function *name* for each."""
    match loop:
        case ast.For(iter=iterated) | ast.AsyncFor(iter=iterated):
            steps = [iterated]
        case ast.ListComp() | ast.GeneratorExp() | ast.SetComp() | ast.DictComp():
            steps = [g.iter for g in loop.generators]
        case _:
            return False
    return any("out_funcs" in words_of(s) for s in steps) and any(
        isinstance(n, ast.Call) and terminal(n.func) == name for n in walk(loop)
    )


def _remembers(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it tests membership, stops at a given step, or has its answers cached."""
    if any(terminal(d) in ("lru_cache", "cache") for d in function.decorator_list):
        return True
    for node in walk(function):
        match node:
            case ast.Compare(ops=[ast.In() | ast.NotIn(), *_], comparators=[among, *_]):
                if not isinstance(among, ast.Tuple | ast.List | ast.Set):
                    return True
            case _:
                pass
    return False
