from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Option, Presence, Side
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import (
    by_place,
    describe_unknown,
    nothing_launched,
)
from metaflow_orchestrator_kit.validate.rules.examples import compiler

FLAG = "--max-user-code-retries"
_FIX = (
    f"Pass `{FLAG}` on every attempt: the largest `step_task_retry_count()[0]` of the step's "
    "decorators."
)


class MaxUserCodeRetriesMissing(Rule):
    """A step is started without `--max-user-code-retries`.

    Metaflow compares it with `--retry-count` to know whether an attempt is the last that runs the
    user's code. Left out it is 0: with `@retry` and `@catch` the first failure is swallowed,
    later attempts do not run the user's code at all, and `@timeout` is off on retries. Pass the
    number of user retries, the same on every attempt.
    """

    code = "MOK452"
    name = "max-user-code-retries-missing"
    clauses = ("H2",)
    severity = Severity.ERROR

    VALID = (
        Example("the number of retries", compiler("""\
        def command(node, attempt, retries):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            cmd += ["--retry-count", str(attempt), "--max-user-code-retries", str(retries)]
            return cmd
        """)),
        Example("only when there are any", compiler("""\
        def command(node, retries):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            if retries:
                cmd += ["--max-user-code-retries", retries]
            return cmd
        """)),
    )  # fmt: skip
    INVALID = (
        Example("missing", compiler("""\
        def command(node, attempt):
            cmd = ["python", "flow.py", "step", node]  # <-- here
            return cmd + ["--run-id", "r", "--task-id", "t", "--retry-count", str(attempt)]
        """)),
        Example("always 0", compiler("""\
        def command(node, attempt):
            step = f"step {node} --run-id r --task-id t --retry-count {attempt}"
            return "python flow.py " + step + " --max-user-code-retries 0"  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        for commands in by_place(analysis, "step").values():
            options = [o for c in commands for o in c.options(FLAG, Side.COMMAND)]
            first = commands[0]
            if options and all(_zero(o) for o in options):
                verdict.fail(options[0].origin, f"`{FLAG}` is always 0", _FIX)
            elif options:
                verdict.ok(options[0].origin, f"`step` has `{FLAG}`")
            elif any(c.presence(FLAG, Side.COMMAND) is Presence.UNKNOWN for c in commands):
                verdict.unsure(first.origin, describe_unknown(first, Side.COMMAND))
            else:
                verdict.fail(first.origin, f"`step` is started without `{FLAG}`", _FIX)


def _zero(option: Option) -> bool:
    return option.text is not None and option.text.strip("\"'") == "0"
