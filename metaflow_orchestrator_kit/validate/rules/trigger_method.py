from __future__ import annotations

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import header_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_module

_HEAD = "from metaflow.runner.deployer import DeployedFlow\n"
_CLASS = "class AcmeDeployedFlow(DeployedFlow):"


class TriggerMissing(Rule):
    """A DeployedFlow has no method `trigger`.

    The base class does not bring one. Users, and Metaflow's own test suite, start runs with
    `deployed_flow.trigger(alpha=1)` and nothing else: AttributeError.

    Name the method `trigger`, or add `trigger = run`.
    """

    code = "MOK118"
    name = "trigger-missing"
    clauses = ("B7",)
    severity = Severity.ERROR

    VALID = (
        Example("a method", objects_module(
            f"{_HEAD}{_CLASS}\n    def trigger(self, **kwargs): ...\n")),
        Example("a second name", objects_module(
            f"{_HEAD}{_CLASS}\n    def run(self, **kwargs): ...\n    trigger = run\n")),
    )  # fmt: skip
    INVALID = (
        Example("only `run`", objects_module(
            f"{_HEAD}{_CLASS}  # <-- here\n    def run(self, **kwargs): ...\n")),
        Example("on the run instead", objects_module(
            f"{_HEAD}{_CLASS}  # <-- here\n    pass\n\n"
            "class AcmeRun:\n    def trigger(self, **kwargs): ...\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        found = objects.leaves(project, objects.DEPLOYED_FLOW)
        if not found:
            verdict.not_applicable("no deployed flow is defined here")
        for cls in found:
            where = header_of(cls.module, cls.node)
            trigger = objects.member(project, cls, "trigger")
            if trigger is not None:
                verdict.ok(trigger.origin, f"`{cls.name}` can be triggered")
            elif objects.foreign_bases(project, cls, objects.DEPLOYED_FLOW):
                verdict.unsure(where, f"`{cls.name}` has a base that was not read")
            else:
                verdict.fail(
                    where,
                    f"`{cls.name}` has no method `trigger`",
                    "Call the method `trigger`, or add `trigger = run` to the class.",
                )
