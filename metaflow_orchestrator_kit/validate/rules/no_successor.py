from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import walk

_LISTS = {"out_funcs": "successor", "in_funcs": "predecessor"}


class NoSuccessor(Rule):
    """Every step is asked for its first successor, or predecessor.

    The last step has no successor and the first no predecessor; the step of a flow of one step has
    neither. `node.out_funcs[0]` in a loop over the whole graph is an IndexError for every flow, or
    for those that nobody tried.

    Ask whether there is one first.
    """

    code = "MOK222"
    name = "neighbour-of-every-step"
    clauses = ("D3",)
    severity = Severity.ERROR

    VALID = (
        Example("asked first", compiler("""\
        def links(graph):
            return {n.name: n.out_funcs[0] for n in graph if n.out_funcs}
        """)),
        Example("another kind of step", compiler("""\
        def links(graph):
            for node in graph:
                if node.type == "end":
                    continue
                yield node.out_funcs[0]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("of every step", compiler("""\
        def links(graph):
            found = {}
            for node in graph:
                found[node.name] = node.out_funcs[0]  # <-- here
            return found
        """)),
        Example("by its name", compiler("""\
        def parents(graph):
            return {name: graph[name].in_funcs[0] for name in graph.nodes}  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for node in program.nodes(ast.Subscript):
                if not _is_first(node) or not isinstance(node.value, ast.Attribute):
                    continue
                loop = next(_loops(program, node), None)
                if loop is None or _asks(program, loop, node):
                    verdict.ok(program.place(node), "it is known that there is one")
                    continue
                which = _LISTS[node.value.attr]
                text = f"every step is asked for its first {which}: one step has none"
                fix = f"Ask whether `{node.value.attr}` is empty first."
                verdict.fail(program.place(node), text, fix)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no first neighbour of a step is asked for")


def _is_first(node: ast.Subscript) -> bool:
    return (
        isinstance(node.value, ast.Attribute)
        and node.value.attr in _LISTS
        and literal(node.slice) == 0
    )


def _loops(program: Program, node: ast.AST) -> Iterator[ast.AST]:
    """The loop over a whole graph whose item *node* is read of."""
    names = {n.id for n in walk(node) if isinstance(n, ast.Name)}
    for outer in program.parents(node):
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Try):
            return
        loops: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(outer, ast.For):
            loops = [(outer.target, outer.iter)]
        elif isinstance(outer, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            loops = [(g.target, g.iter) for g in outer.generators]
        for target, items in loops:
            if isinstance(target, ast.Name) and target.id in names and _is_graph(items):
                yield outer


def _is_graph(items: ast.expr) -> bool:
    match items:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name.endswith("graph"):
            return True
        case ast.Attribute(value=owner, attr="nodes"):
            return terminal(owner).endswith("graph")
        case ast.Call(func=ast.Attribute(value=nodes, attr="values"), args=[]):
            return _is_graph(nodes)
        case _:
            return False


def _asks(program: Program, loop: ast.AST, node: ast.AST) -> bool:
    """Whether the loop tells steps apart before, or around, the expression."""
    if isinstance(loop, ast.For):
        before = [n for n in walk(loop) if isinstance(n, ast.If | ast.Match | ast.Try)]
        if any(n.lineno <= getattr(node, "lineno", 0) for n in before):
            return True
    elif any(g.ifs for g in getattr(loop, "generators", ())):
        return True
    return any(
        isinstance(o, ast.IfExp | ast.BoolOp | ast.comprehension) for o in program.parents(node)
    )
