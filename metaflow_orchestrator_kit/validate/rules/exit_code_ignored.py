from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.step_left_running import starting_calls
from metaflow_orchestrator_kit.validate.rules.syntax import above, function_of, literal, words_of
from metaflow_orchestrator_kit.validate.walking import walk

_CODES = {"returncode", "check_returncode", "poll"}


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
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        steps = {(o.path, o.line) for o in by_place(analysis, "step")}
        verdict.not_applicable("no step is started from Python by a call that waits")
        for name, call, place in starting_calls(analysis, steps):
            if name not in ("run", "call", "system"):
                continue
            if _dropped(analysis, call):
                verdict.fail(
                    place,
                    "a step is run, and its exit code is looked at by nobody",
                    "Pass check=True, or raise an error when the exit code is not 0.",
                )
            else:
                verdict.ok(place, "the exit code of the step is looked at")


def _dropped(analysis: Analysis, call: ast.Call) -> bool:
    """Whether the result goes nowhere, or into a variable of which no code is asked."""
    checks = next((k.value for k in call.keywords if k.arg == "check"), None)
    if (checks is not None and literal(checks) is not False) or any(
        k.arg is None for k in call.keywords
    ):
        return False
    around = next(iter(above(analysis, call)), None)
    function = function_of(analysis, call)
    if isinstance(around, ast.Expr):
        return True
    match around:
        case ast.Assign(targets=[ast.Name(id=name)]) if function is not None:
            if _CODES & words_of(function):
                return False
            read = [n for n in walk(function) if isinstance(n, ast.Name) and n.id == name]
            return all(
                isinstance(n.ctx, ast.Store)
                or (
                    isinstance(parent := next(iter(above(analysis, n)), None), ast.Attribute)
                    and parent.attr in ("stdout", "stderr", "args")
                )
                for n in read
            )
        case _:
            return False
