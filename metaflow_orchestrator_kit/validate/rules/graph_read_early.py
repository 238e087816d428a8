from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import calls, function_of, nodes, terminal
from metaflow_orchestrator_kit.validate.walking import walk

_ATTACH = ("_attach_decorators", "_attach_decorators_to_step", "_process_late_attached_decorator")
_FIX = (
    "Attach with _attach_decorators, then _process_late_attached_decorator, and then write "
    "obj.graph = obj.flow._graph."
)


class GraphReadTooEarly(Rule):
    """Decorators are attached, and the graph from before is compiled.

    `obj.graph` was made when the command line started. After a decorator is attached the flow has
    a new graph; who goes on with the old one deploys steps without the decorator, so that what it
    hands out is missing in every run. Calling `_init_step_decorators` once more is no cure: it
    runs the `step_init` of every decorator a second time.

    Read the graph again after the last decorator is attached.
    """

    code = "MOK201"
    name = "graph-read-too-early"
    clauses = ("D1",)
    severity = Severity.WARNING

    VALID = (
        Example("read again", compiler("""\
        from metaflow import decorators
        def make(obj):
            decorators._attach_decorators(obj.flow, ["acme_internal"])
            decorators._process_late_attached_decorator(["acme_internal"], obj.flow)
            obj.graph = obj.flow._graph
            return [node.name for node in obj.graph]
        """)),
        Example("taken from the flow", compiler("""\
        from metaflow import decorators
        def make(obj):
            decorators._attach_decorators(obj.flow, ["acme_internal"])
            return [node.name for node in obj.flow._graph]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the old graph", compiler("""\
        from metaflow import decorators
        def make(obj):
            decorators._attach_decorators(obj.flow, ["acme_internal"])  # <-- here
            return [node.name for node in obj.graph]
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        attached = list(calls(analysis, *_ATTACH))
        if not attached:
            verdict.not_applicable("no decorator is attached")
            return
        renewed = _renewed(analysis)
        for module, call in attached:
            place = analysis.place(module, call)
            function = function_of(analysis, call)
            if function is None or not _reads_graph(function, call):
                verdict.ok(place, "the graph is not read after it in this function")
            elif renewed:
                verdict.ok(place, "the graph is read again afterwards")
            else:
                text = "the graph from before this decorator was attached is compiled: what "
                text += "mutators do afterwards is missing in it"
                verdict.fail(place, text, _FIX, confidence=Confidence.MEDIUM)


def _renewed(analysis: Analysis) -> bool:
    """Whether `.graph` is assigned, or the flow's own `_graph` is read, anywhere."""
    for _, node in nodes(analysis, ast.Attribute):
        if isinstance(node, ast.Attribute):
            if node.attr == "_graph":
                return True
            if node.attr == "graph" and isinstance(node.ctx, ast.Store):
                value = terminal(node.value)
                if value in ("obj", "ctx", "state", "o"):
                    return True
    return False


def _reads_graph(function: ast.AST, call: ast.Call) -> bool:
    """Whether the function goes on with `obj.graph` after the call."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == "graph"
        and isinstance(node.ctx, ast.Load)
        and node.lineno > call.lineno
        for node in walk(function)
    )
