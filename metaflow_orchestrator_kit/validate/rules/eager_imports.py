from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.loading import Import, imported_at_load, third_party
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.plugins import EAGER, Entry, entries
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import (
    CONFIG,
    CONFIG_TEXT,
    DEPLOYER_TEXT,
    OBJECTS,
    deployer,
)

_DECORATOR = "metaflow_extensions/acme/plugins/acme/acme_decorator.py"


class HeavyImportAtLoad(Rule):
    """A deployer or decorator module imports a package that Metaflow does not bring along.

    `import metaflow` imports these modules at once, on the laptop and inside every task. In a
    container without the scheduler's SDK it fails with "Cannot locate ... plugin", and every task
    dies before the user's code starts, also for flows that never heard of the scheduler.

    Import the SDK, and modules that need it, inside the functions that use it.
    """

    code = "MOK106"
    name = "heavy-import-at-load"
    clauses = ("A6",)
    severity = Severity.ERROR

    VALID = (
        Example("inside the method", deployer(
            DEPLOYER_TEXT + "    def create(self, **kwargs):\n        import acmelib\n")),
        Example("for type checkers only", deployer(
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import acmelib\n"
            + DEPLOYER_TEXT)),
        Example("guarded", deployer(
            "try:\n    import acmelib\nexcept ImportError:\n    acmelib = None\n"
            + DEPLOYER_TEXT)),
    )  # fmt: skip
    INVALID = (
        Example("in the deployer module", deployer(
            "import acmelib  # <-- here\n" + DEPLOYER_TEXT)),
        Example("through another module", {
            **deployer("from .acme_objects import AcmeDeployedFlow\n" + DEPLOYER_TEXT),
            OBJECTS: "from acmelib.client import Client  # <-- here\nclass AcmeDeployedFlow: ..."}),
        Example("in a decorator's module", {
            CONFIG: CONFIG_TEXT
            + 'STEP_DECORATORS_DESC = [("acme_internal", ".acme.acme_decorator.Internal")]\n',
            _DECORATOR: "import acmelib  # <-- here\nclass Internal:\n    name = 'acme_internal'"}),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        eager = [e for e in entries(analysis.project, *EAGER) if e.home is not None]
        if not eager:
            verdict.not_applicable("no deployer or decorator module is registered here")
        for entry in eager:
            assert entry.home is not None
            if not report(analysis, entry.home, _why(entry), _FIX, verdict):
                verdict.ok(Origin(entry.home.path, 1, 1, 1), "imports nothing heavy at load")


_FIX = "Import it inside the function that needs it (or under TYPE_CHECKING, for annotations)."


def _why(entry: Entry) -> str:
    return f"`import metaflow` imports this module for `{entry.name}`"


def report(analysis: Analysis, home: Module, why: str, fix: str, verdict: Judge) -> bool:
    """Report each foreign package that importing *home* needs, where the way there is shortest."""
    needed: dict[str, list[Import]] = {}
    for found in imported_at_load(analysis.project, home):
        if third_party(found):
            needed.setdefault(found.package, []).append(found)
    for package, sites in needed.items():
        for path in sorted({s.origin.path for s in sites}):
            here = (s for s in sites if s.origin.path == path)
            first = min(here, key=lambda s: (len(s.chain), s.origin))
            through = f" (through {first.chain[-2]})" if len(first.chain) > 1 else ""
            verdict.fail(
                first.origin,
                f"needs `{package}`, which Metaflow does not bring along; {why}{through}",
                fix,
                confidence=Confidence.HIGH,
            )
    return bool(needed)
