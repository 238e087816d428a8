from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.carried import values_of
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.flag_values import unwrapped
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import source

FLAG = "--retry-count"
_ATTEMPT = regex(r"attempt|retry_?(?:count|number)|try_?number|retries", re.I)
#: Names of what was before: one more than it is the attempt at hand.
_BEFORE = regex(r"prev|last|done|failed|past|finished|so_far", re.I)


class AttemptPlusOne(Rule):
    """`--retry-count` is one more than the number of the attempt.

    Metaflow counts attempts from 0. With 1 for the first, the user's code runs once less than it
    should, the last attempt is taken for the fallback of `@catch`, and what a retry should
    find of the first attempt is not there. Pass the number of retries so far.
    """

    code = "MOK460"
    name = "attempt-plus-one"
    clauses = ("H1",)
    severity = Severity.ERROR

    VALID = (
        Example("as it is", compiler("""\
        def command(node, context):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            return cmd + ["--retry-count", str(context.retry_number)]
        """)),
        Example("one more than there were", compiler("""\
        def command(node, last_attempt):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            return cmd + ["--retry-count", str(last_attempt + 1)]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("one too many", compiler("""\
        def command(node, launch):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            return cmd + ["--retry-count", str(launch.attempt + 1)]  # <-- here
        """)),
        Example("in a line of shell", compiler("""\
        def command(node, retry_count):
            step = f"step {node} --run-id r --task-id t --retry-count {retry_count + 1}"  # <-- here
            return f"python flow.py {step}"
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("`--retry-count` is not seen beside its value")
        for program, given in values_of(analysis, FLAG):
            place = program.place(given)
            value = unwrapped(given)
            if _one_more(value):
                verdict.fail(
                    place,
                    f"`{FLAG}` is `{source(value)}`, 1 at the first attempt",
                    "Pass the number of the attempt as it is, counted from 0.",
                    confidence=Confidence.MEDIUM,
                )
            else:
                verdict.ok(place, "nothing is added to the attempt")


def _one_more(value: ast.expr) -> bool:
    match value:
        case ast.BinOp(left=left, op=ast.Add(), right=right) if literal(right) == 1:
            name = terminal(unwrapped(left)) or terminal(_argument(left))
            return bool(_ATTEMPT.search(name)) and not _BEFORE.search(source(left))
        case _:
            return False


def _argument(node: ast.expr) -> ast.expr | None:
    """``x`` of ``int(x)``."""
    match node:
        case ast.Call(func=ast.Name(id="int"), args=[only]):
            return only
        case _:
            return None
