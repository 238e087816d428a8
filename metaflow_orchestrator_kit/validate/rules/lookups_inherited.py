from __future__ import annotations

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import header_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_module

_LOOKUPS = ("list_deployed_flows", "get_triggered_run")
_HEAD = "from metaflow.runner.deployer import DeployedFlow\n"
_CLASS = "class AcmeDeployedFlow(DeployedFlow):"
_METHODS = "".join(
    f"\n    @classmethod\n    def {name}(cls, *args, **kwargs):\n"
    '        raise NotImplementedError("not supported")\n'
    for name in _LOOKUPS
)
_FIX = (
    "Define them as class methods; one that cannot be offered raises NotImplementedError and "
    "says so."
)


class LookupsInherited(Rule):
    """A DeployedFlow inherits look-ups that ask another scheduler.

    `list_deployed_flows` and `get_triggered_run` of the base class hand over to the default
    deployer, Argo Workflows unless configured otherwise. `DeployedFlow.list_<type>()` of a class
    that does not define them asks a Kubernetes cluster, and recurses without end where this
    scheduler is the default.

    Define both. (`from_deployment` has a rule of its own.)
    """

    code = "MOK121"
    name = "lookups-inherited"
    clauses = ("B10",)
    severity = Severity.ERROR

    VALID = (
        Example("refused", objects_module(f"{_HEAD}{_CLASS}{_METHODS}")),
        Example("in a base class", objects_module(
            f"{_HEAD}{_CLASS.replace('Acme', 'Base')}{_METHODS}\n"
            "class AcmeDeployedFlow(BaseDeployedFlow): ...\n")),
    )  # fmt: skip
    INVALID = (
        Example("neither", objects_module(f"{_HEAD}{_CLASS}  # <-- here\n    pass\n")),
        Example("only one", objects_module(
            f"{_HEAD}{_CLASS}  # <-- here\n"
            "    @classmethod\n    def list_deployed_flows(cls, flow_name=None): ...\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        found = objects.leaves(project, objects.DEPLOYED_FLOW)
        if not found:
            verdict.not_applicable("no deployed flow is defined here")
        for cls in found:
            where = header_of(cls.module, cls.node)
            missing = [n for n in _LOOKUPS if objects.member(project, cls, n) is None]
            if not missing:
                verdict.ok(where, f"`{cls.name}` defines its own look-ups")
            elif objects.foreign_bases(project, cls, objects.DEPLOYED_FLOW):
                verdict.unsure(where, f"`{cls.name}` has a base that was not read")
            else:
                verdict.fail(
                    where,
                    f"`{cls.name}` inherits {' and '.join(f'`{m}`' for m in missing)}, "
                    "which ask the default scheduler",
                    _FIX,
                )
