from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.objects import call_name
from metaflow_orchestrator_kit.validate.plugins import header_of
from metaflow_orchestrator_kit.validate.reach import reachable
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli
from metaflow_orchestrator_kit.validate.walking import walk

_ACTING = ("terminate", "suspend", "unsuspend", "status", "stop", "cancel")
_TESTS = {"startswith", "match", "fullmatch", "search", "removeprefix"}
_COMMAND = (
    '@acme.command()\n@click.argument("run-id")\n@click.pass_obj\ndef terminate(obj, run_id):'
)


class RunIdUnchecked(Rule):
    """A command acts on any run id that it is given.

    Run ids of a scheduler carry its prefix. A command that does not test it sends ids of other
    schedulers, or plain numbers, to the scheduler: at best "not found", at worst the command ends
    a run of somebody else.

    Require the prefix, strip it, and check that the run belongs to this deployment.
    """

    code = "MOK137"
    name = "run-id-unchecked"
    clauses = ("C9", "J7")
    severity = Severity.WARNING

    VALID = (
        Example("in the command", cli(
            f"{_COMMAND}\n    if not run_id.startswith('acme-'):\n"
            "        raise ValueError(run_id)\n    obj.client.stop(run_id[5:])\n")),
        Example("in a helper", cli(
            "def _check(run_id):\n    assert run_id.startswith('acme-')\n\n"
            f"{_COMMAND}\n    _check(run_id)\n    obj.client.stop(run_id)\n")),
    )  # fmt: skip
    INVALID = (
        Example("straight to the scheduler", cli(
            f"{_COMMAND}  # <-- here\n    obj.client.stop(run_id)\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = [
            c
            for c in clicks.scheduler_commands(analysis.project, *_ACTING)
            if c.parameter("run_id") is not None
        ]
        if not found:
            verdict.not_applicable("no command acts on a run")
        for command in found:
            where = header_of(command.module, command.node)
            reached = list(reachable(analysis.project, command.module, command.node))
            if any(_tests(node) for _, node in reached):
                verdict.ok(where, f"`{command.name}` tests the run id")
            elif any(_elsewhere(node) for _, node in reached):
                verdict.unsure(where, "the run id is handed to code that was not followed")
            else:
                verdict.fail(
                    where,
                    f"`{command.name}` takes any run id",
                    "Require the prefix of this scheduler's run ids, and name it in the error.",
                )


def _tests(node: ast.AST) -> bool:
    return any(
        isinstance(n, ast.Call) and call_name(n).rpartition(".")[2] in _TESTS for n in walk(node)
    )


def _elsewhere(node: ast.AST) -> bool:
    """Whether a check of some name is called that could not be looked into."""
    return any(
        isinstance(n, ast.Call) and ("valid" in call_name(n) or "check" in call_name(n))
        for n in walk(node)
    )
