from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.node_types import (
    knows_switch,
    refuses_unknown_types,
    tells_types_apart,
)

_FIX = (
    "Handle the type `split-switch`: run the step that `_transition` names and no other. Or "
    "refuse such flows at create, with 'not supported' in the message."
)


class SwitchForgotten(Rule):
    """Nodes are told apart by type, but a switch is neither run nor refused.

    `self.next({...}, condition=...)` makes a node of the type `split-switch`. Code that does not
    know it compiles the flow as if the node were something else: all branches run, or
    none, and nobody is told. Handle the type, or raise for types that are not known.
    """

    code = "MOK203"
    name = "switch-forgotten"
    clauses = ("D3", "F13")
    severity = Severity.ERROR

    VALID = (
        Example("handled", compiler("""\
        def visit(node):
            if node.type == "foreach":
                return fan_out(node)
            if node.type in ("split", "split-switch"):
                return branch(node)
            return node.name
        """)),
        Example("what is not known is refused", compiler("""\
        def visit(node):
            if node.type == "foreach":
                return fan_out(node)
            elif node.type in ("linear", "join"):
                return node.name
            else:
                raise ValueError(f"steps of type {node.type} are not supported")
        """)),
    )  # fmt: skip
    INVALID = (
        Example("not known", compiler("""\
        def visit(node):
            if node.type == "foreach":  # <-- here
                return fan_out(node)
            if node.type == "split":
                return branch(node)
            return node.name
        """)),
        Example("a table", compiler("""\
        KINDS = {"foreach": 1, "split": 2, "join": 3, "linear": 4}  # <-- here
        def visit(node):
            return KINDS.get(node.type)
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        place = tells_types_apart(analysis)
        if place is None:
            verdict.not_applicable("the types of nodes are not told apart")
            return
        refused = refuses_unknown_types(analysis)
        if knows_switch(analysis):
            verdict.ok(place, "the type split-switch is known")
        elif refused is not None:
            verdict.ok(refused, "types that are not known are refused")
        else:
            text = "a switch (type `split-switch`) is neither run nor refused as not supported"
            verdict.fail(place, text, _FIX)
