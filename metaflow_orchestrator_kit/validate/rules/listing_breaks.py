from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import origin_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_file
from metaflow_orchestrator_kit.validate.walking import walk

_LIST = "list_deployed_flows"
_HEAD = """\
from metaflow.runner.deployer import DeployedFlow

class AcmeFlow(DeployedFlow):
    @classmethod
    def list_deployed_flows(cls, flow_name=None):
        for item in client().workflows():
"""


class ListingBreaks(Rule):
    """One workflow that is not Metaflow's ends the list of deployments.

    Others use the scheduler too. Their workflows have no label or annotation of Metaflow: reading
    it as if it were there is a KeyError, and `list_deployed_flows()` fails for everybody because
    of one of them.

    Leave out what is not Metaflow's.
    """

    code = "MOK158"
    name = "listing-broken-by-others"
    clauses = ("B12",)
    severity = Severity.ERROR

    VALID = (
        Example("left out", objects_file(_HEAD + """\
            if "metaflow/flow_name" not in item["labels"]:
                continue
            yield cls.from_deployment(item["name"])
""")),
        Example("asked for", objects_file(_HEAD + """\
            if item["labels"].get("metaflow/flow_name") == flow_name:
                yield cls.from_deployment(item["name"])
""")),
    )  # fmt: skip
    INVALID = (
        Example("taken for granted", objects_file(_HEAD + """\
            if item["labels"]["metaflow/flow_name"] == flow_name:  # <-- here
                yield cls.from_deployment(item["name"])
""")),
        Example("of every one", objects_file(_HEAD + """\
            meta = json.loads(item["annotations"]["metaflow"])  # <-- here
            yield cls.from_deployment(meta["name"])
""")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        for cls in objects.leaves(project, objects.DEPLOYED_FLOW):
            member = objects.member(project, cls, _LIST)
            if member is None or not isinstance(member.node, objects.Function):
                continue
            granted = _granted(member.node)
            if granted is None:
                verdict.ok(member.origin, "what is not Metaflow's does not break the list")
                continue
            verdict.fail(
                origin_of(member.owner.module, granted),
                "a workflow that is not Metaflow's has no such entry, and the list ends here",
                "Leave out what has none: `if key not in labels: continue`.",
            )
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("deployments are not listed")


def _granted(method: objects.Function) -> ast.Subscript | None:
    """An entry of Metaflow's that the loop takes for granted, of everything that there is."""
    for loop in walk(method):
        if not isinstance(loop, ast.For):
            continue
        inside = walk(loop)
        careful = any(isinstance(n, ast.Try | ast.Continue) for n in inside) or any(
            isinstance(n, ast.Compare) and any(isinstance(o, ast.In | ast.NotIn) for o in n.ops)
            for n in inside
        )
        around = any(isinstance(n, ast.Try) and loop in walk(n) for n in walk(method))
        if (
            careful
            or around
            or any(isinstance(n, ast.Constant) and _selects(n) for n in walk(loop.iter))
        ):
            continue
        for node in inside:
            match node:
                case ast.Subscript(slice=ast.Constant(value=str(key)), ctx=ast.Load()):
                    if "metaflow" in key:
                        return node
                case _:
                    pass
    return None


def _selects(node: ast.Constant) -> bool:
    """Whether the scheduler is asked for Metaflow's only."""
    return isinstance(node.value, str) and "metaflow" in node.value
