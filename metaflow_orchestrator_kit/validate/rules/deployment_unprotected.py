from __future__ import annotations

from collections.abc import Mapping

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import header_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli

_HELPERS = {"load_token", "new_token", "store_token"}
_COMMAND = "@acme.command()\nOPTION@click.pass_obj\ndef create(obj, **kwargs):MARK\n    BODY\n"


def _case(option: str = "", body: str = "pass", mark: str = "") -> Mapping[str, str]:
    text = _COMMAND.replace("OPTION", option).replace("BODY", body).replace("MARK", mark)
    return cli(text)


class DeploymentUnprotected(Rule):
    """Whoever can reach the scheduler can overwrite anybody's deployment.

    Metaflow protects a deployment by a production token: the first `create` makes one, the next
    one has to come from the same user or bring the token (`--authorize`). The token is the
    namespace of the runs, too. Without it a colleague's `create` replaces a production flow, and
    runs of several people land in each other's namespace.

    Use `load_token`, `new_token` and `store_token` of Metaflow, as its own schedulers do.
    """

    code = "MOK132"
    name = "deployment-unprotected"
    clauses = ("J5", "C2")
    severity = Severity.WARNING

    VALID = (
        Example("an option to authorize", _case('@click.option("--authorize", default=None)\n')),
        Example("Metaflow's helpers", _case(
            body="from metaflow.plugins.aws.step_functions.production_token import load_token\n"
            "    load_token(obj.token_prefix)")),
    )  # fmt: skip
    INVALID = (
        Example("nothing", _case(mark="  # <-- here")),
        Example("another token", _case(
            '@click.option("--api-token", default=None)\n', mark="  # <-- here")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = clicks.scheduler_commands(analysis.project, "create")
        imported = {
            attribute
            for module in analysis.project.modules
            for _, attribute in module.imports.values()
        }
        for command in found:
            where = header_of(command.module, command.node)
            if command.flagged("--authorize") is not None or imported & _HELPERS:
                verdict.ok(where, "deployments are protected by a production token")
            elif command.open:
                verdict.unsure(where, "a decorator of `create` could not be followed")
            else:
                verdict.fail(
                    where,
                    "`create` asks for no production token: anybody overwrites any deployment",
                    "Add `--authorize`, and compare the token of the existing deployment.",
                )
        if not found:
            verdict.not_applicable("no command `create` is defined here")
