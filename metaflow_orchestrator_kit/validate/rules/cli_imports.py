from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.plugins import CLIS, entries
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.eager_imports import report
from metaflow_orchestrator_kit.validate.rules.examples import CLI_TEXT, COMPILER, cli, cli_module

_FIX = "Import it inside the command that needs it."


class HeavyImportInCli(Rule):
    """The module of the command line imports a package that Metaflow does not bring along.

    For a sub-command that it does not know at once, Metaflow tries the command lines of all
    extensions, in an order that changes from process to process. One that cannot be imported
    breaks commands of others at random: `flow.py tag list` fails with "Cannot locate cli plugin"
    wherever the package is missing, such as in containers.

    Import the scheduler's SDK inside the commands.
    """

    code = "MOK108"
    name = "heavy-import-in-cli"
    clauses = ("A8",)
    severity = Severity.ERROR

    VALID = (
        Example("inside the command", cli("""\
        @acme.command()
        def create():
            import acmelib
        """)),
        Example("what Metaflow requires itself", cli_module(f"import requests\n{CLI_TEXT}")),
    )  # fmt: skip
    INVALID = (
        Example("at the top", cli_module(f"import acmelib  # <-- here\n{CLI_TEXT}")),
        Example("through the compiler", {
            **cli_module(f"from .acme_compiler import compile\n{CLI_TEXT}"),
            COMPILER: "import yaml  # <-- here\ndef compile(flow): ...\n"}),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        homes = [(e, e.home) for e in entries(analysis.project, CLIS) if e.home is not None]
        if not homes:
            verdict.not_applicable("no command line is registered here")
        for entry, home in homes:
            why = f"the command line of `{entry.name}` imports this module"
            if not report(analysis, home, why, _FIX, verdict):
                verdict.ok(Origin(home.path, 1, 1, 1), "imports nothing heavy")
