from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, argument, called, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import walk

_RUNS = {"run", "call", "check_call", "check_output"}
_SHELLS = {"bash", "sh", "/bin/bash", "/bin/sh"}
_GROUP = {"killpg", "setsid", "start_new_session", "process_group", "preexec_fn"}


class ShellKilled(Rule):
    """A limit ends the shell, and the step goes on.

    `subprocess.run(..., shell=True, timeout=n)` kills the shell that it started, and not what the
    shell started: the step still runs, and writes, while the scheduler starts its next attempt. Of
    two attempts that write at the same time, readers see either.

    Start the command without a shell, or in a session of its own and end the whole group.
    """

    code = "MOK467"
    name = "step-outlives-its-shell"
    clauses = ("L6", "H8")
    severity = Severity.ERROR

    VALID = (
        Example("no shell", compiler("""\
        import subprocess

        def run(argv):
            subprocess.run(argv, timeout=3600, check=True)
        """)),
        Example("the whole group", compiler("""\
        import os, signal, subprocess

        def run(line):
            process = subprocess.Popen(line, shell=True, start_new_session=True)
            try:
                process.wait(timeout=3600)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a line with a limit", compiler("""\
        import subprocess

        def run(line):
            subprocess.run(line, shell=True, timeout=3600, check=True)  # <-- here
        """)),
        Example("by its name", compiler("""\
        import subprocess

        def run(line):
            return subprocess.call(["bash", "-c", line], timeout=60)  # <-- here
        """)),
        Example("killed by hand", compiler("""\
        import subprocess

        def run(line):
            process = subprocess.Popen(line, shell=True)
            try:
                process.wait(timeout=3600)
            except subprocess.TimeoutExpired:
                process.kill()  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for call in program.calls(*_RUNS, "Popen"):
                name = called(call)
                if not program.whole or not call.args:
                    continue
                killed = _killed(program, call) if _is_shell(call) else None
                if killed is None:
                    if "subprocess" in ast.unparse(call.func) or name == "Popen":
                        verdict.ok(program.place(call), "no shell is ended in place of a step")
                    continue
                text = "this ends the shell, and not what the shell has started"
                fix = "Run the command without a shell, or end its whole process group."
                verdict.fail(program.place(killed), text, fix)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no process is started")


def _is_shell(call: ast.Call) -> bool:
    shell = argument(call, "shell")
    if shell is not None:
        return literal(shell) is True
    match call.args[0]:
        case ast.List(elts=[first, *_]) | ast.Tuple(elts=[first, *_]):
            return literal(first) in _SHELLS and "exec " not in ast.unparse(call.args[0])
        case _:
            return False


def _killed(program: Program, call: ast.Call) -> ast.AST | None:
    """Where the process of a shell is ended alone."""
    scope: ast.AST = program.function(call) or program.tree
    if any(_word(n) in _GROUP for n in walk(scope)):
        return None
    if called(call) != "Popen":
        limit = argument(call, "timeout")
        return call if limit is not None and literal(limit) is not None else None
    match next(program.parents(call), None):
        case ast.Assign(targets=[ast.Name(id=name)]):
            ends = (
                n
                for n in walk(scope)
                if isinstance(n, ast.Call)
                and isinstance(n.func, ast.Attribute)
                and n.func.attr in ("kill", "terminate")
                and terminal(n.func.value) == name
            )
            return next(ends, None)
        case _:
            return None


def _word(node: ast.AST) -> str:
    return str(getattr(node, "attr", "") or getattr(node, "id", "") or getattr(node, "arg", ""))
