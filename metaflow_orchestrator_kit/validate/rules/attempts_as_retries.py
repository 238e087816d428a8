from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.retry_terms import ERROR, USER, terms
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import source

#: Python's names. A key `MaxAttempts` of a document counts retries for some schedulers.
_ATTEMPTS = regex(r"^(?:max(?:imum)?|total)_(?:attempts|tries)$")
_RETRIES = regex(r"^(?:\w+_)?retries$")


class AttemptsAsRetries(Rule):
    """The number of attempts that a scheduler is given is the number of retries.

    @retry(times=3) means four attempts. A policy that counts attempts and gets 3 gives up one too
    early, so that `@catch` never has its turn; and for a step without @retry it gets 0, which
    some schedulers read as "for ever". Add one.
    """

    code = "MOK992"
    name = "attempts-are-retries"
    clauses = ("H3",)
    severity = Severity.ERROR

    VALID = (
        Example("one more", compiler("""\
        def policy(node, retries):
            return RetryPolicy(maximum_attempts=node.get("retries", 0) + 1), retries
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the retries", compiler("""\
        def policy(user_code_retries):
            return RetryPolicy(max_attempts=user_code_retries)  # <-- here
        """)),
        Example("out of a plan, in generated code", compiler('''\
        SOURCE = """
        def policy(node):
            return RetryPolicy(
                maximum_attempts=node.get("retries", 0),  # <-- here
            )
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no scheduler is told a number of attempts by that name")
        for program in programs(analysis):
            for name, value in _given(program):
                place = program.place(value)
                if not _is_retries(value) and not _adds_no_first(analysis, program, value):
                    verdict.ok(place, "the attempts are not just the retries")
                    continue
                verdict.fail(
                    place,
                    f"`{name}` counts attempts, and `{source(value)}` retries",
                    "Add one: the first attempt is no retry.",
                    confidence=Confidence.MEDIUM,
                )


def _given(program: Program) -> Iterator[tuple[str, ast.expr]]:
    """What counts attempts by its name, and its value: keywords, keys, setters and variables."""
    for keyword in program.nodes(ast.keyword):
        if keyword.arg is not None and _ATTEMPTS.match(keyword.arg):
            yield keyword.arg, keyword.value
    for mapping in program.nodes(ast.Dict):
        for key, value in zip(mapping.keys, mapping.values, strict=True):
            if _ATTEMPTS.match(str(literal(key))):
                yield str(literal(key)), value
    for call in program.nodes(ast.Call):
        setter = called(call).removeprefix("set_").removeprefix("with_")
        if len(call.args) == 1 and _ATTEMPTS.match(setter):
            yield called(call), call.args[0]


def _adds_no_first(analysis: Analysis, program: Program, value: ast.expr) -> bool:
    """Whether the value is made of a step's retries, all of them known, and of nothing else."""
    found = terms(analysis, program, value)
    return USER in found and found <= {USER, ERROR}


def _is_retries(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="get"), args=[key, *_]):
            return bool(_RETRIES.match(str(literal(key) or "")))
        case ast.Subscript(slice=key):
            return bool(_RETRIES.match(str(literal(key) or "")))
        case ast.Call(func=ast.Name(id="int"), args=[inner]):
            return _is_retries(inner)
        case ast.Name() | ast.Attribute():
            return bool(_RETRIES.match(terminal(node)))
        case _:
            return False
