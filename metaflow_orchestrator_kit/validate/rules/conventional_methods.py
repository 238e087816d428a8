from __future__ import annotations

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import header_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_module

_EXPECTED = {
    objects.DEPLOYED_FLOW: ("delete",),
    objects.TRIGGERED_RUN: ("status", "terminate"),
}
_HEAD = "from metaflow.runner.deployer import DeployedFlow, TriggeredRun\n"
_FLOW = "class AcmeDeployedFlow(DeployedFlow):{mark}\n    def delete(self, **kwargs): ...\n"
_RUN = "class AcmeTriggeredRun(TriggeredRun):{mark}\n    @property\n    def status(self): ...\n"


class ConventionalMethodMissing(Rule):
    """A deployed flow or a triggered run lacks methods that users of other schedulers know.

    Scripts that deploy with one scheduler and then with another call `delete()` on the deployed
    flow, and `status` and `terminate()` on the run. A missing one is an AttributeError.

    Add them: each runs the command of the same name and tells whether it succeeded.
    """

    code = "MOK122"
    name = "conventional-method-missing"
    clauses = ("B13",)
    severity = Severity.ADVICE

    VALID = (
        Example("all of them", objects_module(
            _HEAD + _FLOW.format(mark="") + _RUN.format(mark="")
            + "    def terminate(self, **kwargs): ...\n")),
    )  # fmt: skip
    INVALID = (
        Example("a run that cannot be ended", objects_module(
            _HEAD + _FLOW.format(mark="") + _RUN.format(mark="  # <-- here"))),
        Example("a flow that cannot be removed", objects_module(
            _HEAD + "class AcmeDeployedFlow(DeployedFlow):  # <-- here\n    pass\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        seen = False
        for base, expected in _EXPECTED.items():
            for cls in objects.leaves(project, base):
                seen = True
                where = header_of(cls.module, cls.node)
                missing = [n for n in expected if objects.member(project, cls, n) is None]
                if not missing or objects.foreign_bases(project, cls, base):
                    verdict.ok(where, f"`{cls.name}` has the usual methods")
                    continue
                verdict.fail(
                    where,
                    f"`{cls.name}` has no {' and no '.join(f'`{m}`' for m in missing)}",
                    "Add the method, over the command of the same name.",
                )
        if not seen:
            verdict.not_applicable("no deployed flow or triggered run is defined here")
