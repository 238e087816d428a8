from __future__ import annotations

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.plugins import header_of, origin_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli

_FREE_FORM = {"run_params", "run_param", "params", "param", "parameters", "parameter"}
_FIX = (
    "Put `@parameters.add_custom_parameters(deploy_mode=False)` above the command decorator of "
    "`trigger`, and take the values from **kwargs."
)
_DECORATOR = "@parameters.add_custom_parameters(deploy_mode=False)\n"
_COMMAND = "@acme.command()\n@click.pass_obj\n"


class FlowParametersMissing(Rule):
    """The command `trigger` does not take the flow's parameters as options of its own.

    With `add_custom_parameters`, `deployed_flow.trigger(alpha=1)` knows the parameters of the
    flow, checks names and types, and takes files. Without it Metaflow says "Unknown argument:
    alpha"; with a free-form `--run-param k=v` instead, a misspelt or mistyped parameter is
    accepted, and the run starts with something else than was asked for.

    Put the decorator above the command decorator: below it, it never sees the command.
    """

    code = "MOK117"
    name = "flow-parameters-missing"
    clauses = ("B6", "C7")
    severity = Severity.ERROR

    VALID = (
        Example("above the command", cli(
            f"{_DECORATOR}{_COMMAND}def trigger(obj, **kwargs): ...\n")),
    )  # fmt: skip
    INVALID = (
        Example("not at all", cli(f"{_COMMAND}def trigger(obj): ...  # <-- here\n")),
        Example("below the command", cli(
            "@acme.command()\n@parameters.add_custom_parameters()  # <-- here\n"
            "@click.pass_obj\ndef trigger(obj, **kwargs): ...\n")),
        Example("text instead", cli(
            "@acme.command()\n"
            "@click.option('--run-param', 'run_params', multiple=True)  # <-- here\n"
            "@click.pass_obj\ndef trigger(obj, run_params): ...\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = clicks.scheduler_commands(analysis.project, "trigger")
        if not found:
            verdict.not_applicable("no command `trigger` is defined here")
        for command in found:
            where = header_of(command.module, command.node)
            free = command.parameter(*_FREE_FORM)
            if command.flow_parameters and not command.below:
                verdict.ok(where, "`trigger` takes the flow's parameters")
            elif command.flow_parameters:
                verdict.fail(
                    _decorator(command) or where,
                    "`add_custom_parameters` stands below the command decorator: it adds nothing",
                    _FIX,
                )
            elif free is not None:
                verdict.fail(
                    free.origin,
                    f"parameters are taken as free text (`{free.dest}`): a misspelt or mistyped "
                    "one is accepted",
                    _FIX,
                    severity=Severity.WARNING,
                )
            elif command.open:
                verdict.unsure(where, "a decorator of `trigger` could not be followed")
            else:
                verdict.fail(where, "`trigger` takes no parameters of the flow", _FIX)


def _decorator(command: clicks.Command) -> Origin | None:
    for node in command.node.decorator_list:
        if clicks.decorator_name(node).endswith(clicks.PARAMETERS):
            return origin_of(command.module, node)
    return None
