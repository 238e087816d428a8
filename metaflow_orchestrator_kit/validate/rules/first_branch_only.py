from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.queues import queued_alone
from metaflow_orchestrator_kit.validate.rules.syntax import literal, words_of
from metaflow_orchestrator_kit.validate.walking import walk

_KNOWS = frozenset(["matching_join", "split_parents", "type", "seen", "visited", "len"])


class FirstBranchOnly(Rule):
    """The graph is followed by the first of a step's successors only.

    The body of a foreach may have several steps, a split several branches, a switch several cases.
    Code that takes `out_funcs[0]` of `out_funcs[0]` for the join, or goes from first successor to
    first successor, leaves steps out: they never run, and the join waits or gets wrong inputs.
    """

    code = "MOK213"
    name = "first-branch-only"
    clauses = ("D3", "F12")
    severity = Severity.ERROR

    VALID = (
        Example("all of them", compiler("""\
        def order(graph):
            found, waiting = [], [graph.start_step]
            while waiting:
                name = waiting.pop()
                first = graph[name].out_funcs[0] if graph[name].out_funcs else None
                found.append((name, first))
                waiting.extend(graph[name].out_funcs)
            return found
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a body of one step", compiler("""\
        def compile_foreach(graph, node):
            body = graph[node.out_funcs[0]]
            join = graph[body.out_funcs[0]]  # <-- here
            return body, join
        """)),
        Example("a queue of first ones", compiler("""\
        def order(graph):
            found, seen, queue = [], set(), [graph["a"]]
            while queue:
                node = queue.pop()
                if node.name not in seen:
                    seen.add(node.name)
                    found.append(node)
                    if node.out_funcs:
                        queue.append(graph[node.out_funcs[0]])  # <-- here
            return found
        """)),
        Example("from first to first", compiler("""\
        def order(graph):
            node, found = graph["a"], []
            while node.out_funcs:
                found.append(node.name)
                node = graph[node.out_funcs[0]]  # <-- here
            return found
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no first successor of a step is asked for")
        for program in programs(analysis):
            first = next(filter(_is_first, program.nodes(ast.Subscript)), None)
            if first is None:
                continue
            verdict.ok(program.place(first), "the other successors are followed as well")
            for function in (*program.nodes(ast.FunctionDef), *program.nodes(ast.AsyncFunctionDef)):
                for step in (*_alone(function), *queued_alone(function)):
                    verdict.fail(
                        program.place(step),
                        "only the first successor of a step is followed",
                        "Follow all of `out_funcs`, up to `graph[node.matching_join]`.",
                        confidence=Confidence.MEDIUM,
                    )


def _is_first(node: ast.AST) -> bool:
    """``x.out_funcs[0]``."""
    match node:
        case ast.Subscript(value=ast.Attribute(attr="out_funcs"), slice=index):
            return literal(index) == 0
        case _:
            return False


def _alone(function: ast.AST) -> Iterator[ast.AST]:
    """Assignments of a step's first successor, where nothing looks at the others."""
    if words_of(function) & _KNOWS:
        return
    uses = [n for n in walk(function) if isinstance(n, ast.Attribute) and n.attr == "out_funcs"]
    firsts = [n for n in walk(function) if _is_first(n)]
    tests = [n.test for n in walk(function) if isinstance(n, ast.While | ast.If | ast.IfExp)]
    tested = [u for u in uses if any(u is n for t in tests for n in walk(t))]
    if len(uses) - len(tested) != len(firsts):
        return
    looped = {id(n) for w in walk(function) if isinstance(w, ast.While) for n in walk(w)}
    from_first: set[str] = set()
    for node in sorted(
        (n for n in walk(function) if isinstance(n, ast.Assign)), key=lambda n: n.lineno
    ):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                owners = {
                    f.value.value.id
                    for f in walk(value)
                    if isinstance(f, ast.Subscript)
                    and _is_first(f)
                    and isinstance(f.value, ast.Attribute)
                    and isinstance(f.value.value, ast.Name)
                }
                if not owners:
                    continue
                if (name in owners and id(node) in looped) or owners & from_first:
                    yield node
                from_first.add(name)
            case _:
                pass
