from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.loading import Import, imported_at_load
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.plugins import DEPLOYERS, EAGER, entries
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import DEPLOYER_TEXT, OBJECTS, deployer

#: Modules that cannot be imported while `import metaflow` is still loading plugins (tried).
_TOO_EARLY = ("metaflow.runner.deployer", "metaflow.runner.metaflow_runner")
#: The same, for decorators and environments, which load even earlier.
_TOO_EARLY_FOR_DECORATORS = (*_TOO_EARLY, "metaflow.client", "metaflow.cli")
#: Names that `metaflow` does not have yet at that time.
_NOT_YET = {
    "Deployer", "DeployedFlow", "Runner", "NBRunner", "NBDeployer", "Run", "Flow", "Step", "Task",
    "DataArtifact", "Metaflow", "namespace", "get_namespace", "default_namespace", "metadata",
    "get_metadata", "default_metadata",
}  # fmt: skip


class CircularImportAtLoad(Rule):
    """A deployer or decorator module imports what Metaflow loads after its plugins.

    `import metaflow` imports these modules while it is not complete itself. The runner's and the
    client's classes do not exist yet, so the import is circular: `import metaflow` raises
    "Cannot locate ... plugin", everywhere the extension is installed.

    Put `DeployedFlow` and `TriggeredRun` classes in a module of their own, and import that inside
    `create` and `deployed_flow_type`.
    """

    code = "MOK107"
    name = "circular-import-at-load"
    clauses = ("A6", "B3")
    severity = Severity.ERROR

    VALID = (
        Example("objects imported inside the method", {
            **deployer(DEPLOYER_TEXT
                + "    def create(self, **kwargs):\n        from .acme_objects import Flow\n"),
            OBJECTS: "from metaflow.runner.deployer import DeployedFlow\n"
                "class Flow(DeployedFlow): ...\n"}),
        Example("what exists early", deployer("from metaflow import current\n" + DEPLOYER_TEXT)),
    )  # fmt: skip
    INVALID = (
        Example("the runner's classes", deployer(
            "from metaflow.runner.deployer import DeployedFlow  # <-- here\n" + DEPLOYER_TEXT)),
        Example("through the objects module", {
            **deployer("from .acme_objects import Flow\n" + DEPLOYER_TEXT),
            OBJECTS: "from metaflow.runner.deployer import DeployedFlow  # <-- here\n"
                "class Flow(DeployedFlow): ...\n"}),
        Example("the client", deployer(
            "from metaflow import Run, current  # <-- here\n" + DEPLOYER_TEXT)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        eager = [e for e in entries(analysis.project, *EAGER) if e.home is not None]
        if not eager:
            verdict.not_applicable("no deployer or decorator module is registered here")
        for entry in eager:
            assert entry.home is not None
            broken = False
            for found in imported_at_load(analysis.project, entry.home):
                if not _too_early(found, entry.category == DEPLOYERS):
                    continue
                broken = True
                what = f"{found.dotted}.{found.attribute or ''}".rstrip(".")
                through = f", imported by {found.chain[-2]}" if len(found.chain) > 1 else ""
                verdict.fail(
                    found.origin,
                    f"`{what}` does not exist yet when `import metaflow` imports "
                    f"{entry.home.path} for `{entry.name}`{through}",
                    "Import it inside the function that needs it.",
                )
            if not broken:
                verdict.ok(Origin(entry.home.path, 1, 1, 1), "imports nothing too early")


def _too_early(found: Import, deployer: bool) -> bool:
    if found.dotted == "metaflow":
        return found.attribute in _NOT_YET
    modules = _TOO_EARLY if deployer else _TOO_EARLY_FOR_DECORATORS
    names = (found.dotted, f"{found.dotted}.{found.attribute}")
    return any(n == m or n.startswith(f"{m}.") for m in modules for n in names)
