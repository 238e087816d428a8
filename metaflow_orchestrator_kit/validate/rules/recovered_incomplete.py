from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import ClassInfo
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_module
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import walk

#: What `create` sets on a deployer from the attribute file, and `DeployedFlow()` reads from it.
_READ_AT_ONCE = ("name", "flow_name", "metadata")
_STORED = (*_READ_AT_ONCE, "additional_info")
_HEAD = """\

class AcmeDeployedFlow(DeployedFlow):
    def trigger(self, **kwargs):
        return start(self.deployer.additional_info["queue"], kwargs)
    @classmethod
    def from_deployment(cls, identifier, metadata=None):
        info = json.loads(identifier)
        deployer = AcmeDeployer(flow_file=info["flow_file"], deployer_kwargs={})MARK
        deployer.name = info["name"]
"""
_ALL = "        deployer.flow_name = info['flow_name']\n        deployer.metadata = metadata\n"
_BACK = "        return cls(deployer=deployer)\n"


class RecoveredIncomplete(Rule):
    """`from_deployment` leaves out something that `create` would have set on the deployer.

    `DeployedFlow()` reads the deployer's name, flow_name and metadata at once: AttributeError.
    What else `create` answered is in `additional_info`; a deployment that was recovered without
    it is triggered on the default host or queue, or raises when it is triggered.

    Set all that `create` sets, from what was stored with the deployment.
    """

    code = "MOK994"
    name = "recovered-deployment-incomplete"
    clauses = ("B11",)
    severity = Severity.ERROR

    VALID = (
        Example("everything", objects_module(
            _HEAD.replace("MARK", "") + _ALL
            + "        deployer.additional_info = info\n" + _BACK)),
        Example("by another function", objects_module(
            _HEAD.replace("MARK", "") + "        restore(deployer, info)\n" + _BACK)),
    )  # fmt: skip
    INVALID = (
        Example("without what trigger reads", objects_module(
            _HEAD.replace("MARK", "  # <-- here") + _ALL + _BACK)),
        Example("without the flow's name", objects_module(
            _HEAD.replace("MARK", "  # <-- here").replace("additional_info", "url")
            + "        deployer.metadata = metadata\n" + _BACK)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no from_deployment sets up a deployer by hand")
        for cls in objects.leaves(analysis.project, objects.DEPLOYED_FLOW):
            found = objects.member(analysis.project, cls, "from_deployment")
            if found is None or not isinstance(found.node, objects.Function):
                continue
            own = [
                (owner, method)
                for owner, method in objects.methods(analysis.project, cls)
                if method is found.node or _hands_to(found.node, method)
            ]
            for owner, method, name, made in (
                (o, m, *deployer) for o, m in own for deployer in _deployers(m)
            ):
                place = analysis.place(owner.module, made)
                given = _given(method, name)
                if given is None or not given:
                    verdict.ok(place, "the deployer is set up elsewhere")
                    continue
                wanted = [a for a in _STORED if a in _READ_AT_ONCE or _reads(analysis, cls, a)]
                lacking = [a for a in wanted if a not in given]
                if lacking:
                    text = f"the recovered deployer has no `{lacking[0]}`"
                    verdict.fail(place, text, f"Set `{name}.{lacking[0]}` from what was stored.")
                else:
                    verdict.ok(place, "the deployer has what create would have set")


def _hands_to(function: objects.Function, method: objects.Function) -> bool:
    """Whether `from_deployment` has the deployed flow made by a method that it calls."""
    calls = (n.func for n in walk(function) if isinstance(n, ast.Call))
    return any(
        isinstance(f, ast.Attribute) and f.attr == method.name and terminal(f.value) == "cls"
        for f in calls
    )


def _deployers(function: objects.Function) -> Iterator[tuple[str, ast.Assign]]:
    """The variables that are made here and become the deployer of the answer."""
    handed = {
        value.id
        for n in walk(function)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "cls"
        for value in (*n.args[:1], *(k.value for k in n.keywords if k.arg == "deployer"))
        if isinstance(value, ast.Name)
    }
    for node in walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=func)):
                if name in handed and terminal(func)[:1].isupper():
                    yield name, node
            case _:
                pass


def _given(function: objects.Function, name: str) -> set[str] | None:
    """The attributes that *name* is given here; None when another function may set some."""
    given: set[str] = set()
    for node in walk(function):
        match node:
            case ast.Assign(targets=targets):
                given.update(
                    t.attr
                    for t in targets
                    if isinstance(t, ast.Attribute)
                    and isinstance(t.value, ast.Name)
                    and t.value.id == name
                )
            case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id=target), key, _]):
                texts = _texts(function, key)
                if target == name and not texts:
                    return None
                given.update(texts)
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Attribute(value=ast.Name(id=target), attr="__dict__"), attr="update"
                ),
                args=updated,
                keywords=keywords,
            ) if target == name:
                if updated or any(k.arg is None for k in keywords):
                    return None
                given.update(str(k.arg) for k in keywords)
            case ast.Call(func=func, args=args) if terminal(func) != "cls" and any(
                getattr(a, "id", "") == name for a in args
            ):
                return None
            case _:
                pass
    return given


def _texts(function: objects.Function, key: ast.expr) -> list[str]:
    """The attribute that is written out, or those that a loop goes through."""
    keys = [key]
    if isinstance(key, ast.Name):
        keys = [
            e
            for loop in walk(function)
            if isinstance(loop, ast.For) and terminal(loop.target) == key.id
            for e in (loop.iter.elts if isinstance(loop.iter, ast.Tuple | ast.List) else [key])
        ]
    texts = [literal(k) for k in keys]
    return (
        [t for t in texts if isinstance(t, str)] if all(isinstance(t, str) for t in texts) else []
    )


def _reads(analysis: Analysis, cls: ClassInfo, attribute: str) -> bool:
    """Whether a method of the deployed flow reads an attribute of its deployer."""
    for _, method in objects.methods(analysis.project, cls):
        if method.name in ("from_deployment", "id"):
            continue
        for node in walk(method):
            match node:
                case ast.Attribute(value=ast.Attribute(attr="deployer"), attr=name):
                    if name == attribute:
                        return True
                case ast.Call(
                    func=ast.Name(id="getattr"), args=[ast.Attribute(attr="deployer"), key, *_]
                ):
                    if literal(key) == attribute:
                        return True
                case _:
                    pass
    return False
