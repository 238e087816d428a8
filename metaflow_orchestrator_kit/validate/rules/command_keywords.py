from __future__ import annotations

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import names_in
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import OBJECTS, cli

_OBJECTS = """\
from metaflow.runner.deployer import DeployedFlow
from metaflow.runner.utils import get_lower_level_group

class AcmeDeployedFlow(DeployedFlow):
    def trigger(self, **kwargs):
        options = {"deployer_attribute_file": "f"}
        CHANGE
        group = get_lower_level_group(self.deployer.api, {}, "acme", {})
        return group.trigger(**options)CALL
"""
_COMMAND = """\
@acme.command()
@click.option("--run-param", "run_params", multiple=True)
@click.option("--deployer-attribute-file", default=None)
@click.pass_obj
def trigger(obj, run_params, deployer_attribute_file): ...
"""


def _case(change: str, call: str = "", command: str = _COMMAND) -> dict[str, str]:
    return {**cli(command), OBJECTS: _OBJECTS.replace("CHANGE", change).replace("CALL", call)}


class CommandKeywordUnknown(Rule):
    """A command is called with a keyword that is none of its options.

    The keyword is click's name of the option (`tags` for `--tag`, when declared that way), not
    the flag. Metaflow's API raises `ValueError: Unknown argument: ...` before anything runs, so
    `create()` or `trigger()` fails for every flow.

    Use the declared name, or add the option to the command.
    """

    code = "MOK115"
    name = "command-keyword-unknown"
    clauses = ("B4", "B7")
    severity = Severity.ERROR

    VALID = (
        Example("declared names", _case('options["run_params"] = ["a=1"]')),
        Example("one that is computed, too", _case(
            "getattr(get_lower_level_group(self.api, {}, 'acme', {}), self.command)(x=1)")),
        Example("parameters of the flow", _case(
            "options.update(kwargs)", command="@parameters.add_custom_parameters()\n" + _COMMAND)),
    )  # fmt: skip
    INVALID = (
        Example("the flag instead of the name", _case(
            'options["run_param"] = ["a=1"]', "  # <-- here")),
        Example("an option of another command", _case(
            'options = dict(name="x", deployer_attribute_file="f")', "  # <-- here")),
        Example("no such command", {
            **_case("pass", "  # <-- here", _COMMAND.replace("def trigger", "def start"))}),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        known = [c for c in clicks.commands(analysis.project) if not c.is_group and c.parent]
        names = {c.name for c in known}
        seen = False
        for event in analysis.events:
            called = event.name.rpartition(".")[2]
            if event.kind != "call" or "get_lower_level_group" not in names_in(event.receiver):
                continue
            if not called.isidentifier():
                # A command whose name is computed: getattr(group, name)(...).
                continue
            seen = True
            commands = [c for c in known if c.name == called]
            if not known or None in names:
                verdict.unsure(event.origin, "the commands of the group were not found")
                continue
            if not commands:
                verdict.fail(
                    event.origin,
                    f"the group has no command `{called}`",
                    f"Add it; there are {', '.join(sorted(n for n in names if n))}.",
                )
                continue
            given = [key for key, _, _, _ in event.kwargs]
            unknown = [k for k in given if k != "**" and not any(_takes(c, k) for c in commands)]
            if unknown:
                has = ", ".join(p.dest for p in commands[0].parameters)
                verdict.fail(
                    event.origin,
                    f"`{called}` has no option `{unknown[0]}` (it has {has})",
                    "Use the name the option is declared with, or declare the option.",
                )
            else:
                verdict.ok(event.origin, f"`{called}` has every keyword that it is given")
        if not seen:
            verdict.not_applicable("no command is called through Metaflow's API")


def _takes(command: clicks.Command, keyword: str) -> bool:
    return command.open or command.flow_parameters or command.parameter(keyword) is not None
