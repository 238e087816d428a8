from __future__ import annotations

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.objects import called
from metaflow_orchestrator_kit.validate.plugins import header_of
from metaflow_orchestrator_kit.validate.reach import reachable
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli, cli_module

_FIX = "Call obj.check(obj.graph, obj.flow, obj.environment, pylint=obj.pylint) in the group."
_HEAD = "from metaflow._vendor import click\n@click.group()\ndef cli(): ...\n"
_COMMAND = "@acme.command()\n@click.pass_obj\ndef create(obj):\n    {body}\n"


class GraphNotChecked(Rule):
    """The group does not have Metaflow check the flow before a command works on it.

    `obj.check(...)` is Metaflow's lint: it refuses a step that leads nowhere, a join without
    inputs, a missing `end`, with a message about the user's code. Without it such a flow reaches
    the compiler, and fails there with a KeyError, or in production.

    Call it first thing in the group.
    """

    code = "MOK130"
    name = "graph-not-checked"
    clauses = ("C1",)
    severity = Severity.ERROR

    VALID = (
        Example("in the group", cli(_COMMAND.format(body="pass"))),
        Example("in the command", cli_module(
            f"{_HEAD}@cli.group()\n@click.pass_obj\ndef acme(obj): ...\n"
            + _COMMAND.format(body="obj.check(obj.graph, obj.flow, obj.environment)"))),
    )  # fmt: skip
    INVALID = (
        Example("an empty group", cli_module(
            f"{_HEAD}@cli.group()\n@click.pass_obj\ndef acme(obj): ...  # <-- here\n"
            + _COMMAND.format(body="pass"))),
        Example("only named in a comment", cli_module(
            f"{_HEAD}@cli.group()\n@click.pass_obj\ndef acme(obj):  # <-- here\n"
            "    # obj.check(obj.graph)\n    obj.name = 1\n" + _COMMAND.format(body="pass"))),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        deploying = clicks.scheduler_commands(analysis.project, "create", "compile", "deploy")
        groups = {id(c.parent.node): c.parent for c in deploying if c.parent is not None}
        if not groups:
            verdict.not_applicable("no group with a command `create` is defined here")
        for group in groups.values():
            where = header_of(group.module, group.node)
            unchecked = [
                c for c in deploying
                if c.parent is group and not _checks(analysis, c)
            ]  # fmt: skip
            if _checks(analysis, group) or not unchecked:
                verdict.ok(where, "the flow's graph is checked first")
            else:
                verdict.fail(where, f"`{group.name}` never has the flow's graph checked", _FIX)


def _checks(analysis: Analysis, command: clicks.Command) -> bool:
    return any(
        name.endswith(".check") or name.rpartition(".")[2] == "lint"
        for _, node in reachable(analysis.project, command.module, command.node)
        for name in called(node)
    )
