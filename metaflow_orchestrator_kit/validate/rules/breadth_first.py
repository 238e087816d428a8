from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal
from metaflow_orchestrator_kit.validate.walking import walk

_ORDER = regex(r"topolog", re.I)
#: Whoever counts or asks for what comes before a step waits for it.
_WAITS = regex(
    r"in_funcs|in_?degree|predecessor|parent|depend|upstream|remaining|pending|missing|depth|level",
    re.I,
)
_FIX = "Take `graph.sorted_nodes`, or put a step back until all of its `in_funcs` were seen."


class BreadthFirst(Rule):
    """Steps in the order of a breadth-first walk are taken for a topological order.

    A walk from the start that takes each step when it is first reached comes to a join over its
    shortest branch, before the steps of a longer one. The join is then made before its inputs
    are: a name that does not exist yet in the generated program, or an edge that is left out.

    Wait until all parents of a step were seen, or take Metaflow's own `graph.sorted_nodes`.
    """

    code = "MOK972"
    name = "breadth-first-taken-for-topological"
    clauses = ("D3", "F3")
    severity = Severity.ERROR

    VALID = (
        Example("a step waits for its parents", compiler("""\
        from collections import deque
        def topological(graph):
            queue, seen, order = deque(["start"]), set(), []
            while queue:
                name = queue.popleft()
                if name in seen:
                    continue
                if any(p not in seen for p in graph[name].in_funcs):
                    queue.append(name)
                    continue
                seen.add(name)
                order.append(name)
                queue.extend(graph[name].out_funcs)
            return order
        """)),
        Example("a walk that promises no order", compiler("""\
        def reachable(graph, first):
            queue, seen = [first], set()
            while queue:
                name = queue.pop(0)
                if name not in seen:
                    seen.add(name)
                    queue.extend(graph[name].out_funcs)
            return seen
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a queue", compiler("""\
        from collections import deque
        def topological_order(graph):
            queue, seen, order = deque([graph["start"]]), set(), []
            while queue:
                node = queue.popleft()  # <-- here
                if node.name in seen:
                    continue
                seen.add(node.name)
                order.append(node)
                for child in node.out_funcs:
                    queue.append(graph[child])
            return order
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("the graph is not walked with a queue")
        for program in programs(analysis):
            for call in program.calls("pop", "popleft"):
                function = program.function(call)
                if function is None or not _takes_first(program, call):
                    continue
                if "out_funcs" not in _words(function):
                    continue
                if not _promises(function):
                    verdict.ok(program.place(call), "no order of the steps is promised")
                elif _waits(program, call):
                    verdict.ok(program.place(call), "a step waits for what comes before it")
                else:
                    text = "steps come in breadth-first order, a join perhaps before its inputs"
                    verdict.fail(program.place(call), text, _FIX)


def _takes_first(program: Program, call: ast.Call) -> bool:
    """Whether the next step is the one that was found first."""
    first = called(call) == "popleft" or (
        called(call) == "pop" and len(call.args) == 1 and literal(call.args[0]) == 0
    )
    return first and any(isinstance(outer, ast.While) for outer in program.parents(call))


def _waits(program: Program, call: ast.Call) -> bool:
    """Whether the walk asks for what comes before a step, or counts it down.

    What is only noted about a step, such as its parents, holds nothing up.
    """
    loop = next(outer for outer in program.parents(call) if isinstance(outer, ast.While))
    asked: list[ast.AST] = []
    for node in walk(loop):
        match node:
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                asked.append(test)
            case ast.comprehension(ifs=tests):
                asked += tests
            case ast.AugAssign(target=target):
                asked.append(target)
            case ast.Call(func=ast.Attribute(attr="discard" | "remove") as func):
                asked.append(func)
            case _:
                pass
    return any(_WAITS.search(word) for part in asked for word in _words(part))


def _promises(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return bool(_ORDER.search(f"{function.name} {ast.get_docstring(function) or ''}"))


def _words(function: ast.AST) -> set[str]:
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in walk(function)
        if isinstance(node, ast.Name | ast.Attribute)
    }
