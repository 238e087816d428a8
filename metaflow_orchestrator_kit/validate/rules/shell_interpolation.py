from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import (
    Program,
    argument,
    full_name,
    programs,
    source,
)
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.shell_text import joined_flags
from metaflow_orchestrator_kit.validate.walking import walk

_RUNNERS = {"run", "Popen", "call", "check_call", "check_output"}
_SYSTEM = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
_QUOTES = ("quote", "shlex", "escape")
_FIX = "Pass a list of arguments without shell=True, or put each value through shlex.quote()."


class ShellInterpolation(Rule):
    """A value is put into a shell command line without quoting.

    Tags, parameters, branch names and paths come from users. One with a space, a quote, `$HOME`
    or a backtick breaks the command, or runs another one on the worker. Pass a list, or quote.
    """

    code = "MOK902"
    name = "unquoted-shell-value"
    clauses = ("D12", "E6")
    severity = Severity.ERROR

    VALID = (
        Example("a list", compiler("""\
        import subprocess

        def launch(flow, tag):
            subprocess.run(["python", flow, "--tag", tag], check=True)
        """)),
        Example("quoted", compiler("""\
        import shlex, subprocess

        def launch(flow, tag):
            line = "python %s --tag %s" % (shlex.quote(flow), shlex.quote(tag))
            subprocess.run(line, shell=True, check=True)
        """)),
        Example("a constant line", compiler("""\
        import os

        def stop():
            os.system("scheduler stop --all")
        """)),
    )  # fmt: skip
    INVALID = (
        Example("options of the parameters in one string", compiler("""\
        def script(params):
            given = " ".join("--%s %s" % (k, v) for k, v in params.items())  # <-- here
            return "python flow.py init --run-id r --task-id p " + given
        """)),
        Example("one after the other", compiler("""\
        def script(params):
            line = "python flow.py init --run-id r --task-id p"
            for name, value in params.items():
                line += f" --{name}='{value}'"  # <-- here
            return line
        """)),
        Example("an f-string", compiler("""\
        import subprocess

        def launch(flow, tag):
            subprocess.run(f"python {flow} --tag {tag}", shell=True)  # <-- here
        """)),
        Example("words joined by blanks", compiler("""\
        import subprocess

        def launch(command):
            line = " ".join(command)
            subprocess.Popen(line, shell=True)  # <-- here
        """)),
        Example("in generated code", compiler('''\
        TEMPLATE = """
        import os
        def run(tag):
            os.system("python flow.py step start --tag " + tag)  # <-- here
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for flags in joined_flags(program):
                verdict.fail(
                    program.place(flags),
                    "options are put together as text, and their values are not quoted",
                    _FIX,
                    severity=Severity.WARNING,
                    confidence=Confidence.MEDIUM,
                )
            for node, line in _shell_lines(program):
                if line is None:
                    verdict.ok(program.place(node), "the command is no shell line")
                    continue
                written = _written(program, node, line)
                if written is None:
                    continue
                holes = [h for h in _values(written) if not _is_safe(program, node, h)]
                if not holes:
                    verdict.ok(program.place(node), "the shell line is constant or quoted")
                    continue
                names = ", ".join(f"`{source(h)[:40]}`" for h in holes[:3])
                verdict.fail(program.place(node), f"{names} in a shell line is not quoted", _FIX)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no process is started through a shell")


def _shell_lines(program: Program) -> Iterator[tuple[ast.Call, ast.expr | None]]:
    """Calls that start a process, with the shell line, or None when no shell reads it."""
    for node in program.nodes(ast.Call):
        if not isinstance(node.func, ast.Attribute | ast.Name):
            continue
        name = full_name(node.func, program.module)
        if name in _SYSTEM and node.args:
            yield node, node.args[0]
        elif name.rpartition(".")[2] in _RUNNERS and name.partition(".")[0].endswith("subprocess"):
            shell = argument(node, "shell")
            on = isinstance(shell, ast.Constant) and bool(shell.value)
            line = argument(node, "args", 0)
            yield node, line if on else None
        elif name.endswith("create_subprocess_shell") and node.args:
            yield node, node.args[0]


def _written(program: Program, call: ast.AST, line: ast.expr) -> ast.expr | None:
    """The expression that writes the line: *line* itself, or what its variable was given once."""
    if not isinstance(line, ast.Name):
        return line
    scope: ast.AST = program.function(call) or program.tree
    given = [
        n.value
        for n in walk(scope)
        if isinstance(n, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == line.id for t in n.targets)
    ]
    return given[0] if len(given) == 1 else None


def _values(line: ast.expr) -> list[ast.expr]:
    """What is formatted into a line."""
    match line:
        case ast.Constant():
            return []
        case ast.JoinedStr(values=values):
            return [v.value for v in values if isinstance(v, ast.FormattedValue)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [*_values(left), *_values(right)]
        case ast.BinOp(op=ast.Mod(), right=ast.Tuple(elts=given)):
            return list(given)
        case ast.BinOp(op=ast.Mod(), right=right):
            return [right]
        case ast.Call(func=ast.Attribute(attr="format"), args=given, keywords=named):
            return [*given, *(k.value for k in named)]
        case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="join"), args=[items]):
            return [items]
        case ast.Name() | ast.Attribute() | ast.Call():
            return [line]
        case _:
            return []


def _is_safe(program: Program, call: ast.AST, value: ast.expr) -> bool:
    """Whether *value* is quoted or a constant, here or where it was made, or not followed."""
    if isinstance(value, ast.Name):
        if value.id.isupper():
            return True
        made = _written(program, call, value)
        if made is None:
            function = program.function(call)
            return function is None or value.id not in _parameters(function)
        value = made
    return isinstance(value, ast.Constant) or any(q in source(value) for q in _QUOTES)


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    return {
        a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    }
