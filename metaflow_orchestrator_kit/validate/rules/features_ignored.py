from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.records import record
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import nothing_launched
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.features import (
    compiler_place,
    looked_up,
    mentions,
    read_attributes,
)
from metaflow_orchestrator_kit.validate.rules.in_use import in_use
from metaflow_orchestrator_kit.validate.rules.node_types import tells_types_apart
from metaflow_orchestrator_kit.validate.rules.syntax import words_of
from metaflow_orchestrator_kit.validate.walking import walk


@record()
class _Feature:
    says: str
    names: tuple[str, ...]
    attributes: tuple[str, ...]
    happens: str
    of_node: bool = False


_FEATURES = (
    _Feature("@exit_hook", ("exit_hook",), ("success_hooks", "error_hooks"), "no hook ever runs"),
    _Feature("@schedule", ("schedule",), (), "the flow never starts by itself"),
    _Feature("@trigger", ("trigger",), (), "the flow never starts on an event"),
    _Feature("@trigger_on_finish", ("trigger_on_finish",), (), "no finished flow starts it"),
    _Feature(
        "@parallel", ("parallel", "split-parallel"), ("parallel_foreach", "parallel_step"),
        "its nodes are not started as a gang", True,
    ),
    _Feature(
        "a switch", ("split-switch",), ("switch_cases",), "every branch of it runs, or none", True,
    ),
)  # fmt: skip
_FIX = (
    "Look for it at create: implement it, or raise an exception whose text names it and says that "
    "it is not supported."
)
_STEP = """\

def step(node, flow):
    return ["python", flow, "step", node.name, "--run-id", "r", "--task-id", "t"]
"""
_ALL = """\
def check(flow, graph):
    for name in ("exit_hook", "schedule", "trigger", "trigger_on_finish"):
        if flow._flow_decorators.get(name):
            raise ValueError("@%s is not supported" % name)
    for node in graph:
        if node.parallel_foreach or node.type == "split-switch":
            raise ValueError("%s is not supported" % node.name)
"""
_UNKNOWN = """\
def check(flow, graph):
    for name in flow._flow_decorators:
        if name not in ("project", "schedule"):
            raise ValueError("@%s is not supported" % name)
    for node in graph:
        if node.type not in ("start", "linear", "end", "split", "join", "foreach"):
            raise ValueError("%s: %s is not supported" % (node.name, node.type))
"""


class FeatureIgnored(Rule):
    """A feature of a flow is neither implemented nor refused.

    The flow deploys without a word, and then never fires, never notifies, or runs every branch of
    a switch. A user has no way to notice before it matters. What is not implemented is refused at
    create, by an exception that says "not supported".
    """

    code = "MOK517"
    name = "feature-ignored"
    clauses = ("C10", "K7", "D3", "K1", "K3", "K4")
    severity = Severity.ERROR

    VALID = (
        Example("refused by name", compiler(_ALL + _STEP)),
        Example("refused when unknown", compiler(_UNKNOWN + _STEP)),
    )
    INVALID = (
        Example("a hook that nobody looks for", compiler(
            _ALL.replace('"exit_hook", ', "") + _STEP.replace('"t"]', '"t"]  # <-- here'))),
        Example("only in a comment", compiler(
            "# split-switch is not supported\n"
            + _ALL.replace(' or node.type == "split-switch"', "") + _STEP)),
        Example("a check that nobody makes", compiler(
            _ALL.replace('"exit_hook", ', "") + _STEP.replace('"t"]', '"t"]  # <-- here')
            + '\ndef _check_hooks(flow):\n    return "exit_hook" in flow._flow_decorators\n')),
        Example("trigger is only the name of a command", compiler(
            _ALL.replace('"trigger", ', "") + _STEP
            + '\n\n@cli.command("trigger")\ndef run(obj): ...\n')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        refusals = {kind: _refusal_of_unknown(analysis, kind) for kind in ("type", "name")}
        for feature in _FEATURES:
            if feature.names == ("split-switch",) and tells_types_apart(analysis) is not None:
                # The types of nodes are told apart: what is forgotten there is MOK203's.
                continue
            place = _place(analysis, feature)
            if place is not None:
                verdict.ok(place, f"{feature.says} is looked at")
            elif (refused := refusals["type" if feature.of_node else "name"]) is not None:
                verdict.ok(refused, f"{feature.says} is refused with all that is unknown")
            else:
                text = f"{feature.says} is neither implemented nor refused: {feature.happens}"
                verdict.fail(compiler_place(analysis), text, _FIX)


def _place(analysis: Analysis, feature: _Feature) -> Origin | None:
    found = list(looked_up(analysis, *feature.names))
    for program, node in in_use(analysis, found):
        return program.place(node)
    for reader, expression in read_attributes(analysis, *feature.attributes):
        return reader.place(expression)
    # It may be in the name of something, where it is not looked up in code that nobody uses.
    telling = not found and len(feature.names[0]) > len("schedule")
    if telling and mentions(analysis, re.escape(feature.names[0])):
        return Origin(".", 1, 1, 1)
    return None


def _refusal_of_unknown(analysis: Analysis, kind: str) -> Origin | None:
    """A raise for what is not known: by the `type` of a node, or the `name` of a decorator."""
    for program in programs(analysis):
        for node in program.nodes(ast.Raise):
            if node.exc is None or program.generated:
                continue
            known = _tells_type(node.exc) if kind == "type" else _names_decorator(program, node)
            if known:
                return program.place(node)
    return None


def _tells_type(raised: ast.expr) -> bool:
    return any(isinstance(n, ast.Attribute) and n.attr == "type" for n in walk(raised))


def _names_decorator(program: Program, node: ast.Raise) -> bool:
    """Whether it is raised where the flow's decorators are held against those that are known."""
    function = program.function(node)
    return function is not None and any(map(_of_decorators, walk(function)))


def _of_decorators(node: ast.AST) -> bool:
    """A loop over the flow's decorators that asks `not in`, or a difference of sets of them."""
    match node:
        case ast.For(iter=names) | ast.ListComp(generators=[ast.comprehension(iter=names), *_]):
            asks = any(
                isinstance(n, ast.Compare) and isinstance(n.ops[0], ast.NotIn) for n in walk(node)
            )
        case ast.BinOp(left=names, op=ast.Sub()):
            asks = True
        case ast.Call(func=ast.Attribute(attr="difference", value=names)):
            asks = True
        case _:
            return False
    return asks and any("flow_decorators" in word for word in words_of(names))
