from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_module
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import walk

_HEAD = """\
import json

class AcmeDeployedFlow(DeployedFlow):
    @property
    def id(self):
        return json.dumps({"name": self.name, "flow_name": self.flow_name})
"""
_BACK = """\
    @classmethod
    def from_deployment(cls, identifier, metadata=None):
        info = json.loads(identifier)
        return restored(info["flow_name"], info%s)
"""


class IdentifierLacksKey(Rule):
    """`from_deployment` reads something out of the identifier that `id` does not put there.

    `DeployedFlow.id` is what a user stores and hands to `from_deployment` later, in another
    process. A key that only one of the two knows is a KeyError for every stored identifier.
    """

    code = "MOK862"
    name = "identifier-lacks-key"
    clauses = ("B11",)
    severity = Severity.ERROR

    VALID = (
        Example("the same keys", objects_module(_HEAD + _BACK % '["name"]')),
        Example("one that may be missing", objects_module(_HEAD + _BACK % '.get("flow_file")')),
    )  # fmt: skip
    INVALID = (
        Example("a file that is not in it", objects_module(
            _HEAD + (_BACK % '["flow_file"]').replace("_file\"])", "_file\"])  # <-- here"))),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no identifier of a deployment is JSON")
        for cls in objects.leaves(analysis.project, objects.DEPLOYED_FLOW):
            told = objects.member(analysis.project, cls, "id")
            back = objects.member(analysis.project, cls, "from_deployment")
            if told is None or back is None or not isinstance(back.node, objects.Function):
                continue
            keys = _stored(told.node)
            for node, key in _read(back.node):
                place = analysis.place(back.owner.module, node)
                if keys is None or key in keys:
                    verdict.ok(place, f"`{key}` is looked up in the identifier")
                else:
                    text = f"`id` does not store `{key}`, which is read here"
                    verdict.fail(place, text, f'Put "{key}" into what `id` answers.')


def _stored(node: ast.AST) -> set[str] | None:
    """The keys of the one mapping that is dumped; None when it is not written out whole."""
    dumped = [n.args[0] for n in walk(node) if _calls(n, "dumps") and isinstance(n, ast.Call)]
    if len(dumped) != 1:
        return None
    match dumped[0]:
        case ast.Dict(keys=keys):
            names = [literal(k) for k in keys]
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=given):
            names = [k.arg for k in given]
        case _:
            return None
    return (
        {n for n in names if isinstance(n, str)} if all(isinstance(n, str) for n in names) else None
    )


def _read(function: objects.Function) -> Iterator[tuple[ast.Subscript, str]]:
    """What is looked up in the identifier, once it is loaded, without a way out."""
    identifier = function.args.args[1].arg if len(function.args.args) > 1 else ""
    loaded = {
        terminal(n.targets[0])
        for n in walk(function)
        if isinstance(n, ast.Assign)
        and isinstance(n.value, ast.Call)
        and _calls(n.value, "loads")
        and n.value.args
        and terminal(n.value.args[0]) == identifier
    }
    if any(isinstance(n, ast.Try) for n in walk(function)):
        return
    for node in walk(function):
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))):
                if name in loaded and isinstance(node.ctx, ast.Load):
                    yield node, key
            case _:
                pass


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and terminal(node.func) == name
