from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Side
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import programs, source
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import at_flag, nothing_launched
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.features import mentions

_SIGNS = r"^(interpreter|bootstrap_commands|get_package_commands)$|conda|pypi|_interpreter"
_FIX = (
    "Ask the environment: `environment.executable(step)` after `bootstrap_commands(step, "
    "ds_type)` on a remote worker, `environment.interpreter(step)` on the same host."
)


class EnvironmentInterpreter(Rule):
    """Steps of a conda, pypi or uv environment run under the worker's own interpreter.

    `--environment conda` alone does not switch interpreters inside `step`: the task imports the
    packages of the worker, in other versions or not at all. The environment says which command
    to start, and how to set it up.
    """

    code = "MOK534"
    name = "environment-interpreter-unused"
    clauses = ("M4",)
    severity = Severity.WARNING

    VALID = (
        Example("its executable", compiler("""\
        def step(environment, node, flow):
            python = environment.executable(node)
            top = [python, flow, "--environment", environment.TYPE]
            return top + ["step", node, "--run-id", "r", "--task-id", "t"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("only the option", compiler("""\
        import sys

        def step(environment, node, flow):
            top = [sys.executable, flow, "--environment", environment.TYPE]  # <-- here
            return top + ["step", node, "--run-id", "r", "--task-id", "t"]
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        options = [
            option
            for command in analysis.of_kind("step")
            for option in command.options("--environment", Side.TOP)
        ]
        if not options:
            verdict.not_applicable("no environment is passed to the steps")
            return
        if _asks(analysis):
            verdict.ok(options[0].origin, "the environment's own interpreter is used")
            return
        if mentions(analysis, "runtime_step_cli"):
            verdict.unsure(options[0].origin, "decorators may replace the interpreter")
            return
        text = "`--environment` is passed, and the environment's interpreter never asked for"
        place = at_flag(analysis, options[0].origin, "--environment")
        verdict.fail(place, text, _FIX, confidence=Confidence.MEDIUM)


def _asks(analysis: Analysis) -> bool:
    """Whether the code looks for an interpreter; ``sys.executable`` is none."""
    for program in programs(analysis):
        for node in program.nodes(ast.Attribute):
            if node.attr == "executable" and source(node.value) not in ("sys", "_sys"):
                return True
    return mentions(analysis, _SIGNS)
