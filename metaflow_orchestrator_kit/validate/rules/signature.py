from __future__ import annotations

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import header_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli

_NAMESPACE = '@acme.command()\n@click.option("--namespace"DEST, default=None)\n@click.pass_obj\n'
_FIX = "Name the function's parameters after the options: click passes them by keyword."


class CommandSignatureWrong(Rule):
    """The function of a command does not take what click passes to it.

    Click passes every option by keyword: `--new-token` as `new_token`, unless another name is
    declared. An option without a parameter, or a parameter without an option, is a TypeError as
    soon as anybody calls the command.

    Make the names agree, or declare the name: `@click.option("--tag", "tags", multiple=True)`.
    """

    code = "MOK139"
    name = "command-signature-wrong"
    clauses = ("C2",)
    severity = Severity.ERROR

    VALID = (
        Example("a name that is declared", cli(
            _NAMESPACE.replace("DEST", ', "user_namespace"')
            + "def create(obj, user_namespace=None): ...\n")),
        Example("parameters of the flow", cli(
            "@parameters.add_custom_parameters()\n" + _NAMESPACE.replace("DEST", "")
            + "def trigger(obj, namespace, **kwargs): ...\n")),
    )  # fmt: skip
    INVALID = (
        Example("another name", cli(
            _NAMESPACE.replace("DEST", "")
            + "def create(obj, user_namespace=None): ...  # <-- here\n")),
        Example("an option that is not taken", cli(
            _NAMESPACE.replace("DEST", "") + "def create(obj): ...  # <-- here\n")),
        Example("a parameter without an option", cli(
            _NAMESPACE.replace("DEST", "")
            + "def create(obj, namespace, tags): ...  # <-- here\n")),
        Example("no room for the flow's parameters", cli(
            "@parameters.add_custom_parameters()\n" + _NAMESPACE.replace("DEST", "")
            + "def trigger(obj, namespace): ...  # <-- here\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = clicks.commands(analysis.project)
        for command in found:
            where = header_of(command.module, command.node)
            message = _mismatch(command)
            if command.open:
                verdict.unsure(where, f"a decorator of `{command.node.name}` was not followed")
            elif message:
                verdict.fail(where, message, _FIX)
            else:
                verdict.ok(where, f"`{command.node.name}` takes what click passes")
        if not found:
            verdict.not_applicable("no command is defined here")


def _mismatch(command: clicks.Command) -> str | None:
    arguments = command.node.args
    positional = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    taken = [*positional[command.passes_obj :], *(a.arg for a in arguments.kwonlyargs)]
    if command.passes_obj > len(positional) and arguments.vararg is None:
        return f"`{command.node.name}` has no parameter for what `pass_obj` passes"
    passed = {p.dest for p in command.parameters}
    if arguments.kwarg is None:
        if command.flow_parameters and not command.below:
            return f"`{command.node.name}` has no **kwargs for the flow's parameters"
        left = [p for p in command.parameters if p.dest not in taken and not _silent(p)]
        if left:
            shown = left[0].flags[0] if left[0].flags else left[0].dest
            return f"`{shown}` is passed as `{left[0].dest}`, which is no parameter here"
    defaults = len(arguments.defaults)
    required = positional[command.passes_obj : len(positional) - defaults]
    required += [
        a.arg for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is None
    ]
    missing = [name for name in required if name not in passed]
    return f"no option or argument is passed as `{missing[0]}`" if missing else None


def _silent(parameter: clicks.Parameter) -> bool:
    """Whether click keeps the value to itself."""
    return "expose_value" in parameter.settings or not parameter.dest
