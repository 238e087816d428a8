from __future__ import annotations

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import CLIS, entries
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli, cli_module

_HEAD = "from metaflow._vendor import click\n@click.group()\ndef cli(): ...\n"


class CliNotOneGroup(Rule):
    """What the entry of the command line names does not hold exactly one group.

    `CLIS_DESC` leads to an outer group, which holds one inner group: the one that users call. An
    outer group with several commands is refused: "expected to be named ... but got too many
    commands". An inner group that is a plain command has no `create`.

    Hang every command on the inner group.
    """

    code = "MOK110"
    name = "cli-not-one-group"
    clauses = ("A7",)
    severity = Severity.ERROR

    VALID = (
        Example("one group", cli("@acme.command()\ndef create():\n    pass\n")),
        Example("by the plain functions of click", cli_module("""\
        from metaflow._vendor.click import group
        @group()
        def cli(): ...
        @cli.group()
        def acme(): ...
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a command beside the group", cli_module(
            f"{_HEAD}@cli.group()\ndef acme(): ...\n"
            "@cli.command()  # <-- here\ndef create(): ...\n")),
        Example("no inner group", cli_module(
            f"{_HEAD}@cli.command()  # <-- here\ndef create(): ...\n"
            "@cli.command()\ndef trigger(): ...\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        groups = clicks.commands(project)
        listed = [e for e in entries(project, CLIS) if e.home is not None]
        for entry in listed:
            outer = [
                g for g in groups
                if g.is_group and g.node.name == entry.attribute and g.module is entry.home
            ]  # fmt: skip
            below = [g for g in groups if outer and g.parent is outer[0]]
            inner = next((g for g in below if g.is_group), None)
            # Without an inner group every command is misplaced, and that is one fault.
            for extra in [g for g in below if g is not inner][: None if inner else 1]:
                verdict.fail(
                    extra.origin,
                    f"`{extra.node.name}` hangs on `{entry.attribute}` itself, "
                    "which may hold one group and nothing else",
                    f"Hang it on the inner group: "
                    f"@{inner.node.name if inner else entry.name}.command().",
                )
            if not below:
                verdict.unsure(entry.origin, f"the commands of `{entry.attribute}` were not found")
            elif not verdict.findings:
                verdict.ok(below[0].origin, f"`{entry.attribute}` holds one group")
        if not listed:
            verdict.not_applicable("no command line is registered here")
