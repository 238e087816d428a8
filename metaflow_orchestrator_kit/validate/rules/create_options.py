from __future__ import annotations

from collections.abc import Mapping

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import header_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli

_OPTIONS = {
    "--tag": "runs cannot be tagged",
    "--namespace": "the namespace of tasks cannot be chosen",
    "--max-workers": "the tasks at a time cannot be limited",
    "--workflow-timeout": "the time of a run cannot be limited",
}
_MISSING = ("--namespace", "--max-workers", "--workflow-timeout")


def _case(*options: str, mark: str = "") -> Mapping[str, str]:
    lines = "".join(f'@click.option("{o}", default=None)\n' for o in options)
    return cli(
        f"@acme.command()\n{lines}@click.pass_obj\ndef create(obj, **kwargs):{mark}\n    pass\n"
    )


class CreateOptions(Rule):
    """`create` lacks an option that every scheduler of Metaflow has.

    Scripts and CI jobs pass `--tag`, `--namespace`, `--max-workers` and `--workflow-timeout` to
    `create` whatever the scheduler is. Where one is missing they end in "no such option", and the
    Deployer in a TypeError.

    Take it, and hand it to the scheduler; what it cannot do is refused with an error.
    """

    code = "MOK156"
    name = "conventional-option-missing"
    clauses = ("C2",)
    severity = Severity.ADVICE

    VALID = (Example("all of them", _case(*_OPTIONS)),)
    INVALID = (
        Example("no tags", _case(*_MISSING, mark="  # <-- here")),
        Example("no limit of a run", _case(
            "--tag", "--namespace", "--max-workers", mark="  # <-- here")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = clicks.scheduler_commands(analysis.project, "create")
        for command in found:
            where = header_of(command.module, command.node)
            if command.open:
                verdict.ok(where, "options may come from a decorator that could not be followed")
                continue
            missing = [o for o in _OPTIONS if command.flagged(o) is None]
            for option in missing:
                text = f"`create` has no `{option}`: {_OPTIONS[option]}"
                verdict.fail(where, text, f"Add `{option}`, or refuse it with a reason.")
            if not missing:
                verdict.ok(where, "`create` has the options that every scheduler has")
        if not found:
            verdict.not_applicable("no command `create` is defined here")
