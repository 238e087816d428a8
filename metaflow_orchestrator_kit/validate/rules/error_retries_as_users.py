from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.assigned import made_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.flag_values import flag_values, unwrapped
from metaflow_orchestrator_kit.validate.rules.retry_terms import (
    ERROR,
    ONE,
    UNKNOWN,
    USER,
    terms,
)
from metaflow_orchestrator_kit.validate.rules.syntax import literal
from metaflow_orchestrator_kit.validate.walking import source

FLAG = "--max-user-code-retries"
_ERROR = regex(r"err", re.I)
_RETRIES = regex(r"retr|times", re.I)


class ErrorRetriesAsUsers(Rule):
    """`--max-user-code-retries` counts more than the retries of the user's code.

    Above that number a task does not run the user's code any more but lets `@catch` take over.
    With the error retries of `@catch`, or the first attempt, counted in, the code of a step with
    `@catch` runs again and again, and its exception is not caught when it should be.
    """

    code = "MOK461"
    name = "user-retries-too-many"
    clauses = ("H2",)
    severity = Severity.ERROR

    VALID = (
        Example("the user's alone", compiler("""\
        def command(node, user, error):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            return cmd + ["--max-user-code-retries", str(user)], 1 + user + error
        """)),
    )  # fmt: skip
    INVALID = (
        Example("both", compiler("""\
        def command(node, user_retries, error_retries):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            retries = user_retries + error_retries
            return cmd + ["--max-user-code-retries", str(retries)]  # <-- here
        """)),
        Example("attempts", compiler("""\
        def command(node, max_retries):
            step = f"step {node} --run-id r --task-id t"
            return f"python flow.py {step} --max-user-code-retries {max_retries + 1}"  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable(f"`{FLAG}` is not seen beside its value")
        for program, given in flag_values(analysis, FLAG):
            place = program.place(given)
            value = unwrapped(given)
            counted = terms(analysis, program, value)
            if any(_adds(v) for v in _made(program, value)) or (
                USER in counted and counted & {ERROR, ONE} and UNKNOWN not in counted
            ):
                verdict.fail(
                    place,
                    f"`{FLAG}` counts more than the retries of the user's code",
                    "Pass max(step_task_retry_count()[0]) over the decorators of the step.",
                    confidence=Confidence.MEDIUM,
                )
            else:
                verdict.ok(place, "nothing is added to the user's retries")


def _made(program: Program, value: ast.expr) -> list[ast.expr]:
    """The expression, or what a variable was given, where that is one thing."""
    made = made_of(program, value)
    return made[1:] if isinstance(value, ast.Name) and len(made) == 2 else made[:1]


def _adds(value: ast.expr) -> bool:
    match value:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            sides = source(left), source(right)
            if all(map(_ERROR.search, sides)) or not any(map(_RETRIES.search, (*sides, "retr"))):
                return False
            if literal(right) == 1:
                return bool(_RETRIES.search(sides[0]))
            return any(map(_ERROR.search, sides))
        case _:
            return False
