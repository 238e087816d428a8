from __future__ import annotations

import ast
from collections.abc import Mapping

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.scope import methods
from metaflow_orchestrator_kit.validate.model.values import (
    ClassInfo,
    Origin,
    Text,
    Unknown,
    Value,
    names_in,
    options_of,
)
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects

METHOD = "from_deployment"
_FIX = (
    "Store the flow's name with the deployment at create, look the deployment up by the "
    "identifier, and take the flow's name from what was stored."
)
_STUB = "generate_fake_flow_file_contents"
_PARSING = {
    "split", "rsplit", "partition", "rpartition", "replace", "strip", "title", "capitalize",
    "lower", "upper", "removeprefix", "removesuffix", "sub", "re", "str", "join", "format",
    "an element", "match", "group", "-", "_", ".", "camel", "rstrip", "lstrip",
}  # fmt: skip
_HEAD = """\
from metaflow.runner.deployer import DeployedFlow, generate_fake_flow_file_contents

class AcmeDeployedFlow(DeployedFlow):
    @classmethod
    def from_deployment(cls, identifier, metadata=None):
"""


def _method(body: str, tail: str = "") -> Mapping[str, str]:
    indented = "".join(f"        {line}\n" for line in body.splitlines())
    return objects(_HEAD + indented + tail)


class IdentifierAsFlowName(Rule):
    """`from_deployment` uses the deployment's identifier as the flow's name.

    A deployment of a @project flow is called `project.branch.Flow`, and names are sanitised
    besides. Used as a class name in the stub flow, such an identifier is a SyntaxError; used as
    a flow name it finds no run. Read the flow's name from what `create` stored.
    """

    code = "MOK009"
    name = "identifier-as-flow-name"
    clauses = ("B11",)
    severity = Severity.ERROR

    VALID = (
        Example("the name that was stored", _method(
            "stored = client().get(identifier)\n"
            'flow = stored["metadata"]["flow_name"]\n'
            "text = generate_fake_flow_file_contents(flow_name=flow, param_info={})\n"
            "return text")),
        Example("in another function", _method(
            "return _restore(load(identifier))",
            "\ndef _restore(stored):\n"
            "    return generate_fake_flow_file_contents(stored.flow_name, {})\n")),
        Example("refused", _method('raise NotImplementedError("not supported")')),
    )  # fmt: skip
    INVALID = (
        Example("as the class of the stub", _method(
            "return generate_fake_flow_file_contents("
            "flow_name=identifier, param_info={})  # <-- here")),
        Example("with its hyphens replaced, elsewhere", _method(
            'return _stub(identifier.replace("-", "_"))',
            "\ndef _stub(name):\n"
            '    return f"class {name}(FlowSpec):\\n    pass\\n"  # <-- here\n')),
        Example("as the flow's name", _method(
            "deployer = cls._deployer()\ndeployer.flow_name = identifier  # <-- here\n"
            "return cls(deployer=deployer)")),
        Example("missing", objects(
            "from metaflow.runner.deployer import DeployedFlow\n"
            "class AcmeDeployedFlow(DeployedFlow):  # <-- here\n    pass\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        flows = [c for c in project.classes() if project.is_subclass(c, "DeployedFlow")]
        if not flows:
            if analysis.has_code() and project.extensions:
                verdict.not_applicable("there is no DeployedFlow")
            return
        for cls in flows:
            owner = next((k for k in project.ancestry(cls) if METHOD in methods(k)), None)
            if owner is None:
                where = Origin(cls.module.path, cls.node.lineno, 1, cls.node.lineno)
                verdict.fail(where, f"`{cls.name}` has no `{METHOD}`", _FIX)
            elif _refuses(methods(owner)[METHOD]):
                node = methods(owner)[METHOD]
                place = Origin(owner.module.path, node.lineno, 1, node.lineno)
                verdict.ok(place, f"`{METHOD}` refuses with an error")
            else:
                self._judge(analysis, owner, verdict)

    def _judge(self, analysis: Analysis, owner: ClassInfo, verdict: Judge) -> None:
        node = methods(owner)[METHOD]
        place = Origin(owner.module.path, node.lineno, 1, node.end_lineno or node.lineno)
        parameter = _identifier(node)
        judged = False
        for value, origin, what in _flow_names(analysis):
            for _, option in options_of(value):
                names = names_in(option)
                if parameter not in names:
                    judged |= bool(names) and origin.path == owner.module.path
                    continue
                judged = True
                extra = names - {parameter} - _PARSING
                if extra:
                    verdict.ok(origin, f"{what} comes from what is stored for the identifier")
                elif names & {"split", "rsplit", "partition", "rpartition", "match", "group"}:
                    verdict.unsure(
                        origin, f"{what} is cut out of the identifier; was it stored unchanged?"
                    )
                else:
                    verdict.fail(origin, f"{what} is the deployment's identifier", _FIX)
        if judged and not verdict.findings and not verdict.doubts:
            verdict.ok(place, f"`{METHOD}` does not name the flow after the identifier")
        elif not judged:
            verdict.unsure(place, f"where `{METHOD}` takes the flow's name from was not found")


def _identifier(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The name of the first parameter that is not the class."""
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args) if a.arg not in ("cls",)]
    return names[0] if names else "identifier"


def _refuses(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the body does nothing but raise."""
    body = [
        s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
    ]
    return bool(body) and isinstance(body[-1], ast.Raise) and len(body) == 1


def _flow_names(analysis: Analysis) -> list[tuple[Value, Origin, str]]:
    """Every place that names a flow: the stub's class, and the deployer's ``flow_name``."""
    found: list[tuple[Value, Origin, str]] = []
    for event in analysis.events:
        if event.kind == "setattr" and event.name == "flow_name":
            found.append((event.args[0].value, event.origin, "the flow's name"))
        elif event.kind == "call" and event.name.rpartition(".")[2] == _STUB:
            given = {k: v for k, v, _, _ in event.kwargs}
            first = event.args[0].value if event.args else given.get("flow_name")
            if first is not None:
                found.append((first, event.origin, "the stub's class name"))
    for text in analysis.texts:
        for before, part in zip(text.parts, text.parts[1:], strict=False):
            written = before.content if isinstance(before.content, str) else ""
            if written.endswith("class ") and not isinstance(part.content, str):
                found.append((part.content, part.origin, "the stub's class name"))
    return [(v, o, w) for v, o, w in found if isinstance(v, Unknown | Text) or names_in(v)]
