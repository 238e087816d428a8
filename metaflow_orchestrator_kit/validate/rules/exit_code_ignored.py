from __future__ import annotations

import ast
from collections.abc import Mapping
from itertools import islice

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place
from metaflow_orchestrator_kit.validate.rules.examples import cli, compiler
from metaflow_orchestrator_kit.validate.rules.processes_of_commands import dropped_by_commands
from metaflow_orchestrator_kit.validate.rules.step_left_running import starting_calls
from metaflow_orchestrator_kit.validate.rules.syntax import above, function_of, literal, terminal
from metaflow_orchestrator_kit.validate.walking import walk

_KINDS = ("init", "step")
_CODES = {"returncode", "check_returncode", "poll"}
_OUTPUT = {"stdout", "stderr", "args", "pid"}
_SHOWS = {"print", "echo", "log", "debug", "info", "warning", "error", "exception", "write"}


class ExitCodeIgnored(Rule):
    """A step is run and nobody looks at how it ended.

    A step that failed has another exit code than 0; nothing else tells. Where it is dropped the
    scheduler takes the task for done: no retry, the successors start, and the run is shown as
    a success. Pass `check=True`, or raise when the code is not 0.
    """

    code = "MOK319"
    name = "exit-code-ignored"
    clauses = ("F20", "L2")
    severity = Severity.ERROR

    VALID = (
        Example("checked", compiler("""\
        import subprocess
        def run(node):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            subprocess.run(cmd, check=True)
        """)),
        Example("told to the caller", compiler("""\
        import subprocess
        def run(node):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            return subprocess.call(cmd)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("dropped", compiler("""\
        import subprocess
        def run(node):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            subprocess.run(cmd)  # <-- here
        """)),
        Example("kept and never read, in generated code", compiler('''\
        SOURCE = """
        import subprocess
        def run(node):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            result = subprocess.run(cmd, capture_output=True)  # <-- here
            print(result.stdout)
        """
        ''')),
        Example("of init, in a script", compiler('''\
        SCRIPT = """
        import subprocess
        cmd = ["python", "flow.py", "--quiet", "init", "--run-id", "r", "--task-id", "t"]
        result = subprocess.run(cmd, capture_output=True, text=True)  # <-- here
        print(result.stdout)
        """
        ''')),
        Example("of the scheduler's own tool", cli("""\
        @acme.command()
        @click.pass_obj
        def create(obj):
            subprocess.run(["acmectl", "register", obj.flow.name])  # <-- here
            obj.echo("Registered.")
        """)),
        Example("only written to a log", compiler("""\
        import subprocess
        def run(node, log):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            process = subprocess.Popen(cmd)  # <-- here
            process.wait()
            log.info("%s ended with %s", node, process.returncode)
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        places = {kind: {(o.path, o.line) for o in by_place(analysis, kind)} for kind in _KINDS}
        verdict.not_applicable("no step is started from Python by a call that waits")
        for name, call, place in starting_calls(
            analysis, set().union(*places.values()), scripts=True
        ):
            if name not in ("run", "call", "system", "Popen"):
                continue
            if _dropped(analysis, call):
                what = "`init`" if _nearest(places, place) == "init" else "a step"
                verdict.fail(
                    place,
                    f"{what} is run, and its exit code is looked at by nobody",
                    "Pass check=True, or raise an error when the exit code is not 0.",
                )
            else:
                verdict.ok(place, "the exit code of the step is looked at")
        for place in dropped_by_commands(analysis):
            if not any(f.path == place.path and f.line == place.line for f in verdict.findings):
                verdict.fail(
                    place,
                    "this command ends well, whatever the process that it starts ends with",
                    "Pass check=True, or raise an error when the exit code is not 0.",
                )


def _nearest(places: Mapping[str, set[tuple[str, int]]], call: Origin) -> str:
    """Which of the commands stands closest before the call."""
    before = [
        (line, kind)
        for kind, found in places.items()
        for path, line in found
        if path == call.path and line <= call.line
    ]
    return max(before, default=(0, "step"))[1]


def _dropped(analysis: Analysis, call: ast.Call) -> bool:
    """Whether the result goes nowhere, or into a variable of which no code is asked."""
    checks = next((k.value for k in call.keywords if k.arg == "check"), None)
    if (checks is not None and literal(checks) is not False) or any(
        k.arg is None for k in call.keywords
    ):
        return False
    around, beyond, outermost = (*islice(above(analysis, call), 3), None, None, None)[:3]
    function = function_of(analysis, call)
    started = terminal(call.func) == "Popen"
    match around:
        case ast.Expr():
            return not started
        case ast.Attribute(attr="wait" | "communicate") if started:
            return isinstance(beyond, ast.Call) and isinstance(outermost, ast.Expr)
        case ast.Assign(targets=[ast.Name(id=name)]) if function is not None:
            uses = [n for n in walk(function) if isinstance(n, ast.Name) and n.id == name]
            asked = [_use(analysis, n) for n in uses if isinstance(n.ctx, ast.Load)]
            return all(asked) and (not started or "wait" in asked)
        case _:
            return False


def _use(analysis: Analysis, node: ast.Name) -> str:
    """What of a process is read there; "" when that may tell somebody how it ended."""
    chain = list(islice(above(analysis, node), 8))
    if not isinstance(chain[0], ast.Attribute):
        return ""
    name = chain[0].attr
    if name in ("wait", "communicate"):
        if any(isinstance(c, ast.Expr) for c in chain[1:3]):
            return "wait"
        return "" if name == "wait" else name
    if name in _CODES:
        return "shown" if _only_shown(chain) else ""
    return name if name in _OUTPUT else ""


def _only_shown(chain: list[ast.AST]) -> bool:
    """Whether a value is an argument of a statement that prints or logs."""
    for node in chain:
        match node:
            case ast.Expr(value=ast.Call(func=func)):
                return terminal(func) in _SHOWS
            case ast.stmt():
                return False
            case _:
                pass
    return False
