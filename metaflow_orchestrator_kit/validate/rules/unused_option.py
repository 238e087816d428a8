from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import PLUGINS
from metaflow_orchestrator_kit.validate.walking import walk

_CLI = f"{PLUGINS}/acme/acme_cli.py"
_HEAD = """\
from metaflow._vendor import click

@click.group()
def cli():
    pass

@cli.group()
@click.pass_obj
def acme(obj):
    pass

"""
_SERIOUS = {
    "namespace", "user_namespace", "production", "branch", "max_workers", "tags", "authorize",
    "workflow_timeout", "given_token", "generate_new_token", "with_decorators",
}  # fmt: skip
_FIX = (
    "Pass the value on to what deploys or starts the flow; where the scheduler cannot honour it, "
    "raise an exception that says 'not supported'."
)


class UnusedOption(Rule):
    """A command takes an option and does nothing with it.

    A user who deploys with `--namespace`, `--max-workers` or `--production` and gets no error
    believes that it holds. Pass the value on, or refuse it aloud.
    """

    code = "MOK908"
    name = "option-never-used"
    clauses = ("C2", "C10", "L7")
    severity = Severity.ERROR

    VALID = (
        Example("every option is used", {_CLI: _HEAD + """\
@acme.command()
@click.option("--max-workers", default=100)
@click.pass_obj
def create(obj, max_workers):
    deploy(obj, max_workers)
"""}),
        Example("all of them go on", {_CLI: _HEAD + """\
@acme.command()
@click.option("--namespace", "user_namespace")
@click.pass_obj
def create(obj, **kwargs):
    deploy(obj, **kwargs)
"""}),
        Example("read by name", {_CLI: _HEAD + """\
@acme.command()
@click.option("--name")
@click.pass_context
def create(ctx, name):
    deploy(ctx.obj, **ctx.params)
"""}),
    )  # fmt: skip
    INVALID = (
        Example("accepted and dropped", {_CLI: _HEAD + """\
@acme.command()
@click.option("--namespace", "user_namespace")  # <-- here
@click.option("--name")
@click.pass_obj
def create(obj, name, user_namespace=None):
    deploy(obj, name)
"""}),
        Example("only in the docstring", {_CLI: _HEAD + """\
@acme.command()
@click.option("--max-workers", default=100)  # <-- here
@click.pass_obj
def create(obj, max_workers):
    '''Deploys with max_workers.'''
    deploy(obj)
"""}),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for command in clicks.commands(analysis.project):
            used = _used(command.node)
            if "locals" in used or "params" in used or command.node.args.kwarg is not None:
                verdict.ok(command.origin, "the options are passed on together")
                continue
            taken = {a.arg for a in (*command.node.args.args, *command.node.args.kwonlyargs)}
            for option in command.parameters:
                if option.dest not in taken or _handled_by_click(option):
                    continue
                if option.dest in used:
                    verdict.ok(option.origin, f"`{option.flags[:1] or option.dest}` is used")
                    continue
                flag = option.flags[0] if option.flags else option.dest
                verdict.fail(
                    option.origin,
                    f"`{flag}` of `{command.name or command.node.name}` is accepted and dropped",
                    _FIX,
                    severity=None if option.dest in _SERIOUS else Severity.WARNING,
                )
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no click command with options was found")


def _used(function: clicks.Function) -> set[str]:
    """The names that the body reads."""
    return {
        name
        for statement in function.body
        for node in walk(statement)
        for name in (getattr(node, "id", None), getattr(node, "attr", None))
        if name is not None and not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)
    }


def _handled_by_click(option: clicks.Parameter) -> bool:
    """Whether a callback does the work, or the option is there for compatibility only."""
    hidden = option.settings.get("hidden")
    return "callback" in option.settings or (
        isinstance(hidden, ast.Constant) and bool(hidden.value)
    )
