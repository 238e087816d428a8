from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import terminal
from metaflow_orchestrator_kit.validate.walking import walk

_OF_PARAMETER = {"name", "kwargs", "IS_CONFIG_PARAMETER", "is_string_type"}
_OF_NODE = {"name", "type", "out_funcs", "in_funcs", "decorators", "split_parents", "parallel_step"}
_OF_DECORATOR = {
    "attributes", "schedule", "timezone", "triggers", "success_hooks", "error_hooks", "options",
    "get_top_level_options", "name",
}  # fmt: skip


class MetaflowObjectMisread(Rule):
    """An object of Metaflow is taken for something of another shape.

    `flow._get_parameters()` gives pairs of attribute and parameter, `graph.nodes` maps names to
    nodes, and `flow._flow_decorators` maps a name to the *list* of decorators of that name. Code
    that takes a pair for a parameter, a name for a node or the list for a decorator ends in an
    AttributeError, as soon as a flow has one.

    Unpack the pair, iterate over the graph itself, take each decorator of the list.
    """

    code = "MOK221"
    name = "metaflow-object-misread"
    clauses = ("D6", "D3")
    severity = Severity.ERROR

    VALID = (
        Example("pairs, nodes and a list", compiler("""\
        def read(flow, graph):
            names = [p.name for _, p in flow._get_parameters()]
            types = [node.type for node in graph]
            found = flow._flow_decorators.get("project")
            return names, types, found[0].attributes if found else {}
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a pair", compiler("""\
        def names(flow):
            return [p.name for p in flow._get_parameters()]  # <-- here
        """)),
        Example("a name", compiler("""\
        def types(graph):
            for node in graph.nodes:  # <-- here
                yield node.type
        """)),
        Example("a list", compiler("""\
        def project(flow):
            deco = flow._flow_decorators.get("project")
            return deco.attributes["name"] if deco else None  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for target, items, scope in _loops(program):
                shape = _shape(items)
                if shape is None:
                    continue
                says, read = shape
                if isinstance(target, ast.Name) and _reads(scope, target.id, read):
                    verdict.fail(program.place(items), says, "Take the items for what they are.")
                else:
                    verdict.ok(program.place(items), "the items are taken for what they are")
            for node in program.nodes(ast.Attribute):
                if node.attr in _OF_DECORATOR and _is_list(program, node.value):
                    verdict.fail(
                        program.place(node),
                        "`_flow_decorators` holds a list of decorators for each name, and a list "
                        f"has no `{node.attr}`",
                        "Take the decorators of the list, most often its first.",
                    )
        if not (verdict.findings or verdict.evidence):
            verdict.not_applicable("no parameters, nodes or flow decorators are read")


def _loops(program: Program) -> Iterator[tuple[ast.expr, ast.expr, ast.AST]]:
    """What is looped over, as what, and where the items are used."""
    for loop in program.nodes(ast.For):
        yield loop.target, loop.iter, loop
    for generator in program.nodes(ast.comprehension):
        holder = next(program.parents(generator), None)
        if holder is not None:
            yield generator.target, generator.iter, holder


def _shape(items: ast.expr) -> tuple[str, set[str]] | None:
    match items:
        case ast.Call(func=ast.Attribute(attr="_get_parameters"), args=[]):
            says = "`_get_parameters()` gives pairs: an attribute's name, and its parameter"
            return says, _OF_PARAMETER
        case ast.Attribute(value=owner, attr="nodes") if terminal(owner).endswith("graph"):
            return "`graph.nodes` maps names to nodes: these are names", _OF_NODE
        case _:
            return None


def _reads(scope: ast.AST, name: str, attributes: set[str]) -> bool:
    return any(
        isinstance(n, ast.Attribute)
        and n.attr in attributes
        and isinstance(n.value, ast.Name)
        and n.value.id == name
        for n in walk(scope)
    )


def _is_list(program: Program, node: ast.expr) -> bool:
    """Whether it is what `_flow_decorators` holds under a name, and nobody took an item of it."""
    if _entry(node):
        return True
    function = program.function(node)
    if not isinstance(node, ast.Name) or function is None:
        return False
    given = [
        n.value
        for n in walk(function)
        if isinstance(n, ast.Assign | ast.NamedExpr)
        for t in (n.targets if isinstance(n, ast.Assign) else [n.target])
        if isinstance(t, ast.Name) and t.id == node.id
    ]
    if not given or not all(map(_entry, given)):
        return False
    names = [n for n in walk(function) if isinstance(n, ast.Name) and n.id == node.id]
    stored = [n for n in names if isinstance(n.ctx, ast.Store)]
    asked = [n for n in walk(function) if isinstance(n, ast.Call)]
    asked = [n for n in asked if called(n) in ("isinstance", "hasattr")]
    told = any(a in names for n in asked for a in n.args)
    return len(stored) == len(given) and not told


def _entry(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=holder, attr="get"), args=[_, *default]):
            empty = all(isinstance(d, ast.Constant) and d.value is None for d in default)
            return terminal(holder) == "_flow_decorators" and empty
        case ast.Subscript(value=ast.Attribute(attr="_flow_decorators"), ctx=ast.Load()):
            return True
        case _:
            return False
