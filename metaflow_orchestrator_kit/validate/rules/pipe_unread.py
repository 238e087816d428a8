from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, argument, called, programs, source
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import terminal
from metaflow_orchestrator_kit.validate.walking import walk

_STARTS = frozenset(["Popen", "create_subprocess_exec", "create_subprocess_shell"])


class PipeUnread(Rule):
    """A process is waited for while nobody reads what it writes.

    A pipe holds 64 KB. A step that prints more than that into `stdout=PIPE` stops and waits for a
    reader, and `wait()` waits for the step: the task hangs, for talkative steps only.

    Call `communicate()`, read the pipe in the meantime, or give it a file.
    """

    code = "MOK918"
    name = "pipe-never-read"
    clauses = ("F20", "L5")
    severity = Severity.ERROR

    VALID = (
        Example("read to its end", compiler("""\
        import subprocess

        def run(cmd):
            process = subprocess.Popen(cmd, stdout=subprocess.PIPE)
            output, _ = process.communicate()
            return process.returncode, output
        """)),
        Example("line by line", compiler("""\
        import subprocess

        def run(cmd, echo):
            process = subprocess.Popen(cmd, stdout=subprocess.PIPE)
            for line in process.stdout:
                echo(line)
            return process.wait()
        """)),
    )  # fmt: skip
    INVALID = (
        Example("of asyncio", compiler("""\
        import asyncio
        async def run(cmd):
            process = await asyncio.create_subprocess_exec(*cmd, stdout=asyncio.subprocess.PIPE)
            await process.wait()  # <-- here
            return (await process.stdout.read()).decode()
        """)),
        Example("waited for first", compiler("""\
        import subprocess

        def run(cmd):
            process = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            code = process.wait()  # <-- here
            return code, process.stderr.read()
        """)),
        Example("in generated code", compiler('''\
        TASK = """
        import subprocess
        def run(cmd):
            process = subprocess.Popen(cmd, stdout=subprocess.PIPE)
            return process.wait()  # <-- here
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for call in program.nodes(ast.Call):
                name = _piped(program, call)
                if name is None or not program.whole:
                    continue
                scope: ast.AST = program.function(call) or program.tree
                waits = [n for n in walk(scope) if _is_method(n, name, "wait")]
                first = min((getattr(n, "lineno", 0) for n in waits), default=0)
                if not waits or _is_read(program, scope, name, first):
                    verdict.ok(program.place(call), "what the process writes is read")
                    continue
                text = "the process is waited for before what it writes into its pipe is read"
                fix = "Call `communicate()`, which reads while it waits."
                verdict.fail(program.place(waits[0]), text, fix)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no process writes into a pipe")


def _piped(program: Program, call: ast.Call) -> str | None:
    """The name of the process that a call starts with a pipe for its output."""
    if called(call) not in _STARTS:
        return None
    given = [argument(call, "stdout"), argument(call, "stderr")]
    if not any(g is not None and terminal(g) == "PIPE" for g in given):
        return None
    around = (outer for outer in program.parents(call) if not isinstance(outer, ast.Await))
    match next(around, None):
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case ast.withitem(optional_vars=ast.Name(id=name)):
            return name
        case _:
            return None


def _is_method(node: ast.AST, name: str, method: str) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=attr)):
            return owner == name and attr == method
        case _:
            return False


def _is_read(program: Program, scope: ast.AST, name: str, before: int) -> bool:
    """Whether a pipe is read before that line, or the process goes elsewhere."""
    for node in walk(scope):
        if not isinstance(node, ast.Name) or node.id != name or isinstance(node.ctx, ast.Store):
            continue
        outer = next(program.parents(node), None)
        if not isinstance(outer, ast.Attribute):
            return True
        if outer.attr == "communicate":
            return True
        if outer.attr in ("stdout", "stderr") and node.lineno < before:
            return "close" not in source(next(program.parents(outer), outer))
    return False
