from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli
from metaflow_orchestrator_kit.validate.walking import walk

_BUILT = frozenset(["list", "tuple", "set", "sorted"])
_TEXT = frozenset(["str", "STRING", "Path"])


class OptionNotRepeated(Rule):
    """A command goes through an option's value, but the option can be given only once.

    Without `multiple=True` the value is one string, and a loop over it sees its characters:
    `--run-param alpha=1` becomes the parameters `a`, `l`, `p`, and so on, and `list(tags)` tags
    the run with letters. The Deployer API refuses a list for such an option besides.

    Declare the option with `multiple=True`.
    """

    code = "MOK991"
    name = "option-not-repeatable"
    clauses = ("B7",)
    severity = Severity.ERROR

    VALID = (
        Example("declared so", cli("""\
        @acme.command()
        @click.option("--tag", "tags", multiple=True)
        @click.pass_obj
        def create(obj, tags):
            return list(tags)
        """)),
        Example("split first", cli("""\
        @acme.command()
        @click.option("--tags", default="")
        @click.option("--with", "decospecs", multiple=True)
        @click.pass_obj
        def create(obj, tags, decospecs):
            tags = tags.split(",")
            return [t for t in tags], list(decospecs)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a loop", cli("""\
        @acme.command()
        @click.option("--run-param", "run_params", default="")
        @click.pass_obj
        def trigger(obj, run_params):
            return dict(kv.split("=", 1) for kv in run_params)  # <-- here
        """)),
        Example("a list", cli("""\
        @acme.command()
        @click.option("--tag", "tags", default=None)
        @click.pass_obj
        def create(obj, tags):
            compiler = Compiler(tags=list(tags) if tags else [])  # <-- here
            return compiler
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no command goes through an option's value")
        for command in clicks.commands(analysis.project):
            for parameter in command.parameters:
                used = _gone_through(command.node, parameter.dest)
                if used is None:
                    continue
                place = analysis.place(command.module, used)
                if not _is_one_text(parameter):
                    verdict.ok(place, f"`{parameter.dest}` may hold several")
                    continue
                verdict.fail(
                    place,
                    f"`{parameter.dest}` is one string: this goes through its characters",
                    f"Declare {', '.join(parameter.flags)} with multiple=True.",
                )


def _is_one_text(parameter: clicks.Parameter) -> bool:
    """Whether click hands the option over as one string."""
    settings = parameter.settings
    if {"multiple", "nargs", "callback", "cls", "is_flag", "count"} & settings.keys():
        return False
    kind = settings.get("type")
    default = settings.get("default")
    if isinstance(default, ast.List | ast.Tuple | ast.Dict):
        return False
    return kind is None or (isinstance(kind, ast.Name | ast.Attribute) and _named(kind) in _TEXT)


def _named(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _gone_through(function: clicks.Function, name: str) -> ast.expr | None:
    """Where each part of the argument *name* is taken, unless the name is given another value."""
    for node in walk(function):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return None
        match node:
            case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=asked), _]):
                if asked == name:
                    return None
            case _:
                pass
    for node in walk(function):
        match node:
            case ast.For(iter=ast.Name(id=through) as used) if through == name:
                return used
            case ast.comprehension(iter=ast.Name(id=through) as used) if through == name:
                return used
            case ast.Call(func=ast.Name(id=built), args=[ast.Name(id=through) as used]):
                if through == name and built in _BUILT:
                    return used
            case _:
                pass
    return None
