from __future__ import annotations

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli

_FLAGS = ("--branch", "--production")
_COMMAND = "@acme.command()\nOPTION@click.pass_obj\ndef create(obj, **kwargs): ...\n"


class BranchRedefined(Rule):
    """A command of the scheduler has a `--branch` or `--production` of its own.

    `@project` adds both to the flow: `flow.py --branch x <type> create`, and
    `Deployer(flow, branch="x")`. A second option of the same name on the command makes two
    answers possible: what the user gave in the usual place is ignored, `create` and `trigger`
    compute different deployments, and a branch set in the decorator is lost.

    Remove it, and take the branch from the flow's decorators (`current.branch_name`,
    `get_top_level_options()`).
    """

    code = "MOK131"
    name = "branch-redefined"
    clauses = ("J4", "B14")
    severity = Severity.ERROR

    VALID = (Example("no option of its own", cli(_COMMAND.replace("OPTION", ""))),)
    INVALID = (
        Example("--branch", cli(_COMMAND.replace(
            "OPTION", '@click.option("--branch", default=None)  # <-- here\n'))),
        Example("--production", cli(_COMMAND.replace(
            "OPTION", '@click.option("--production", is_flag=True)  # <-- here\n'))),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = [c for c in clicks.commands(analysis.project) if c.parent is not None]
        bad = [(c, p) for c in found for p in c.parameters if set(_FLAGS) & set(p.flags)]
        if not found:
            verdict.not_applicable("no command is defined here")
        elif not bad:
            verdict.ok(found[0].origin, "the branch is left to the flow's own options")
        else:
            flags = sorted({f for _, p in bad for f in p.flags if f in _FLAGS})
            names = sorted({c.name or c.node.name for c, _ in bad})
            verdict.fail(
                bad[0][1].origin,
                f"{', '.join(f'`{n}`' for n in names)} redefine{'s' if len(names) == 1 else ''} "
                f"{' and '.join(flags)}, which @project gives to the flow",
                "Remove the options; take the branch from the flow's decorators.",
            )
