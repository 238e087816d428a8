from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.frame import Event
from metaflow_orchestrator_kit.validate.model.values import MapCell, Ref, Value, key_of
from metaflow_orchestrator_kit.validate.programs import Program, argument, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.fresh_mappings import is_fresh
from metaflow_orchestrator_kit.validate.walking import source

_STARTS = ("run", "Popen", "call", "check_call", "check_output", "create_subprocess_exec")


class BareEnvironment(Rule):
    """A process of the flow is started with Metaflow's variables alone.

    `env=` replaces the environment. Without PATH, HOME and what the machine's owner has set, the
    step finds no program, no configuration of Metaflow's and no credentials of the cloud, and
    fails where the same command works in a terminal. Start from a copy of `os.environ`.
    """

    code = "MOK410"
    name = "process-without-environment"
    clauses = ("G9",)
    severity = Severity.ERROR

    VALID = (
        Example("added to what there is", compiler("""\
        import os, subprocess
        def run(node, user):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            env = dict(os.environ)
            env["METAFLOW_USER"] = user
            subprocess.run(cmd, env=env, check=True)
        """)),
        Example("what is needed of it", compiler("""\
        import os, subprocess
        def run(node, user):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            env = {"METAFLOW_USER": user, "PATH": os.environ["PATH"]}
            subprocess.run(cmd, env=env, check=True)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("nothing else", compiler("""\
        import subprocess
        def run(node, user):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            subprocess.run(cmd, env={"METAFLOW_USER": user}, check=True)  # <-- here
        """)),
        Example("what a helper answers", compiler("""\
        import subprocess
        def variables(user, token):
            env = {"METAFLOW_USER": user}
            if token:
                env["METAFLOW_PRODUCTION_TOKEN"] = token
            return env
        def run(node, user, token):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            subprocess.run(cmd, env=variables(user, token), check=True)  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no process is started with an environment that is known")
        for event in analysis.calls(*_STARTS):
            given = next((v for k, v, _, _ in event.kwargs if k == "env"), None)
            if given is None:
                continue
            if _is_bare(event, given):
                verdict.fail(
                    event.origin,
                    "a process gets Metaflow's variables and none of its caller's",
                    "Start from what there is: env={**os.environ, ...}.",
                    confidence=Confidence.MEDIUM,
                )
            else:
                verdict.ok(event.origin, "the environment is more than Metaflow's variables")
        told = {(f.path, f.line) for f in verdict.findings}
        for program, variables in _given(analysis):
            place = program.place(variables)
            near = range(place.line - 4, place.line + 1)
            if not any((place.path, line) in told for line in near):
                verdict.fail(
                    place,
                    f"`{source(variables)}` is an addition to an environment, and all of it",
                    "Start from what there is: env={**os.environ, ...}.",
                    confidence=Confidence.MEDIUM,
                )


def _given(analysis: Analysis) -> Iterator[tuple[Program, ast.expr]]:
    """The mappings, begun empty, that processes of the flow get as their environment."""
    for program in programs(analysis):
        for call in program.calls(*_STARTS):
            given = argument(call, "env")
            if given is not None and program.whole and is_fresh(analysis, program, given):
                yield program, given


def _is_bare(event: Event, given: Value) -> bool:
    """Whether every variable is known, and PATH is none of them."""
    cell = event.cells.get(given.cell) if isinstance(given, Ref) else None
    if not isinstance(cell, MapCell):
        return False
    names = [key_of(entry.key) for entry in cell.entries]
    if None in names or "PATH" in names:
        return False
    return any(str(name).startswith("METAFLOW_") for name in names)
