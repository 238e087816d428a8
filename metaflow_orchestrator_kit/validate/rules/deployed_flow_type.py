from __future__ import annotations

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import header_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import DEPLOYER_TEXT, deployer

NAME = "deployed_flow_type"
_BODY = "        from .acme_objects import AcmeDeployedFlow\n        return AcmeDeployedFlow\n"
_FIX = f"Add `@staticmethod def {NAME}()`, which imports the class inside and returns it."


class DeployedFlowTypeNotStatic(Rule):
    """A deployer does not tell Metaflow its DeployedFlow class.

    Metaflow asks the deployer *class* for it, to build `DeployedFlow.from_<type>`,
    `list_<type>` and `get_triggered_<type>_run`. Without it these raise NotImplementedError; as
    an ordinary method it raises "missing 1 required positional argument: 'self'".

    Make it a static method that imports the class inside its body.
    """

    code = "MOK114"
    name = "deployed-flow-type-not-static"
    clauses = ("B3",)
    severity = Severity.ERROR

    VALID = (
        Example("a static method", deployer(
            f"{DEPLOYER_TEXT}    @staticmethod\n    def {NAME}():\n{_BODY}")),
        Example("a class method", deployer(
            f"{DEPLOYER_TEXT}    @classmethod\n    def {NAME}(cls):\n{_BODY}")),
    )  # fmt: skip
    INVALID = (
        Example("missing", deployer(DEPLOYER_TEXT.replace("Impl):", "Impl):  # <-- here"))),
        Example("an ordinary method", deployer(
            f"{DEPLOYER_TEXT}    def {NAME}(self):  # <-- here\n{_BODY}")),
        Example("a property", deployer(
            f"{DEPLOYER_TEXT}    @property\n    def {NAME}(self):  # <-- here\n{_BODY}")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        found = objects.leaves(project, objects.DEPLOYER)
        if not found:
            verdict.not_applicable("no deployer is defined here")
        for cls in found:
            where = header_of(cls.module, cls.node)
            given = objects.member(project, cls, NAME)
            if given is None:
                if objects.foreign_bases(project, cls, objects.DEPLOYER):
                    verdict.unsure(where, f"`{cls.name}` has a base that was not read")
                else:
                    verdict.fail(where, f"`{cls.name}` has no `{NAME}`", _FIX)
            elif not isinstance(given.node, objects.Function):
                verdict.unsure(given.origin, f"`{NAME}` is assigned, and not a method")
            elif not objects.decorators(given.node) & {"staticmethod", "classmethod"}:
                verdict.fail(
                    given.origin, f"`{NAME}` is asked of the class, but needs an object", _FIX
                )
            else:
                verdict.ok(given.origin, f"`{NAME}` can be asked of the class")
