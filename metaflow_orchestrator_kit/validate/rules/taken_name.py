from __future__ import annotations

from metaflow_orchestrator_kit.validate import plugins
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import CONFIG, CONFIG_TEXT, cli

_COMMANDS = (plugins.CLIS, plugins.DEPLOYERS)
#: What Metaflow registers itself, list by list (2.19).
_TAKEN: dict[str, frozenset[str]] = {
    plugins.CLIS: frozenset({
        "package", "step-functions", "airflow", "argo-workflows", "card", "tag", "spot-metadata",
        "logs", "batch", "kubernetes", "run", "resume", "init", "step", "dump", "show", "check",
        "version", "help", "output-raw", "output-dot", "spin", "spin-step",
    }),
    plugins.DEPLOYERS: frozenset({"argo-workflows", "step-functions"}),
    plugins.STEP_DECORATORS: frozenset({
        "catch", "timeout", "environment", "secrets", "parallel", "retry", "resources", "batch",
        "kubernetes", "argo_workflows_internal", "step_functions_internal", "card", "pypi",
        "pytorch_parallel", "airflow_internal", "conda", "unbounded_test_foreach_internal",
    }),
    plugins.FLOW_DECORATORS: frozenset({
        "schedule", "project", "trigger", "trigger_on_finish", "pypi_base", "conda_base",
        "exit_hook",
    }),
    plugins.ENVIRONMENTS: frozenset({"conda", "pypi", "uv", "local"}),
}  # fmt: skip


class PluginNameTaken(Rule):
    """A plugin is registered under a name that Metaflow itself uses.

    The entry that is loaded last wins, silently: an extension that registers `airflow` or `retry`
    replaces Metaflow's own for every flow of that interpreter.

    Choose a name of your own. (To replace a plugin on purpose, ignore this finding there.)
    """

    code = "MOK105"
    name = "plugin-name-taken"
    clauses = ("A5",)
    severity = Severity.ERROR

    VALID = (Example("a name of its own", cli("")),)
    INVALID = (
        Example("a command line of Metaflow's", {
            CONFIG: f'{CONFIG_TEXT}CLIS_DESC = [("airflow", ".acme.acme_cli.cli")]  # <-- here\n'}),
        Example("a decorator of Metaflow's", {
            CONFIG: f'{CONFIG_TEXT}STEP_DECORATORS_DESC = [\n'
            '    ("retry", ".acme.acme_decorator.Internal"),  # <-- here\n]\n'}),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        own = [e for e in plugins.entries(analysis.project) if not e.outside]
        taken: dict[str, list[plugins.Entry]] = {}
        for entry in own:
            if entry.name in _TAKEN.get(entry.category, ()):
                taken.setdefault(entry.category, []).append(entry)
            else:
                verdict.ok(entry.origin, f"`{entry.name}` is no name of Metaflow's")
        for category, found in taken.items():
            names = " and ".join(f"`{e.name}`" for e in found)
            verb, what = ("replaces", "plugin") if len(found) == 1 else ("replace", "plugins")
            verdict.fail(
                found[0].origin,
                f"{names} in {category} {verb} Metaflow's own {what}",
                "Choose another name; or, when that is meant, ignore this finding here.",
                # A decorator of the same name is mostly meant to be a better one.
                severity=None if category in _COMMANDS else Severity.ADVICE,
            )
        if not own:
            verdict.not_applicable("nothing is registered here")
