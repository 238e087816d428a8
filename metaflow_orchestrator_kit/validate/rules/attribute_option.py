from __future__ import annotations

from metaflow_orchestrator_kit.validate import clicks, objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import header_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli

_OPTION = '@click.option("--deployer-attribute-file", default=None, hidden=True)\n'
_BODY = "@click.pass_obj\ndef {name}(obj, **kwargs):{mark}\n    pass\n"


class AttributeOptionMissing(Rule):
    """`create` or `trigger` does not take the file through which the Deployer API is answered.

    `Deployer(flow).<type>().create()` always passes `deployer_attribute_file`. A command without
    the option fails with "Unknown argument: deployer_attribute_file", so the scheduler cannot be
    used from Python at all.

    Add the hidden option `--deployer-attribute-file`.
    """

    code = "MOK128"
    name = "attribute-option-missing"
    clauses = ("C2", "B2", "B7")
    severity = Severity.ERROR

    VALID = (
        Example("on both", cli(
            f"@acme.command()\n{_OPTION}{_BODY.format(name='create', mark='')}\n"
            f"@acme.command()\n{_OPTION}{_BODY.format(name='trigger', mark='')}")),
        Example("by a shared decorator", cli(
            "def shared(f):\n"
            "    return click.option('--deployer-attribute-file', default=None)(f)\n\n"
            f"@acme.command()\n@shared\n{_BODY.format(name='create', mark='')}")),
    )  # fmt: skip
    INVALID = (
        Example("not on create", cli(
            f"@acme.command()\n{_BODY.format(name='create', mark='  # <-- here')}")),
        Example("not on trigger", cli(
            f"@acme.command()\n{_OPTION}{_BODY.format(name='create', mark='')}\n"
            f"@acme.command()\n{_BODY.format(name='trigger', mark='  # <-- here')}")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        found = clicks.scheduler_commands(project, "create", "trigger")
        if not found or not objects.leaves(project, objects.DEPLOYER):
            verdict.not_applicable("there is no deployer, or no command for one")
            return
        for command in found:
            where = header_of(command.module, command.node)
            if command.flagged(clicks.ATTRIBUTE_FLAG) is not None:
                verdict.ok(where, f"`{command.name}` takes the attribute file")
            elif command.open:
                verdict.unsure(where, f"a decorator of `{command.name}` could not be followed")
            else:
                verdict.fail(
                    where,
                    f"`{command.name}` has no option `{clicks.ATTRIBUTE_FLAG}`",
                    f'Add @click.option("{clicks.ATTRIBUTE_FLAG}", default=None, hidden=True).',
                )
