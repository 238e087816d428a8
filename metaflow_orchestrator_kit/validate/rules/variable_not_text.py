from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.environment_values import converts
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal

_VARIABLE = regex(r"^METAFLOW_[A-Z0-9_]+$")


class VariableNotText(Rule):
    """A variable of the environment is given a number or a truth value.

    The environment of a process, and of a container, holds text only. `subprocess` raises
    TypeError for the number, a scheduler refuses the whole deployment, or the value arrives as
    another text than Metaflow compares it with: `True` is not `true`. Write the text.
    """

    code = "MOK880"
    name = "variable-not-text"
    clauses = ("G8",)
    severity = Severity.ERROR

    VALID = (
        Example("text", compiler("""\
        def variables(attempt):
            env = {"METAFLOW_ACME_WORKLOAD": "1"}
            env["METAFLOW_ATTEMPT"] = str(attempt + 1)
            return env
        """)),
        Example("made text later", compiler("""\
        def variables():
            env = {"METAFLOW_ACME_WORKLOAD": 1}
            return [{"name": k, "value": str(v)} for k, v in env.items()]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a number", compiler("""\
        def container():
            env = {"METAFLOW_ACME_WORKLOAD": 1}  # <-- here
            return {"env": [{"name": k, "value": v} for k, v in env.items()]}
        """)),
        Example("what is counted", compiler("""\
        def variables(env, attempt):
            env["METAFLOW_ATTEMPT"] = attempt + 1  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no variable of Metaflow's is set from Python")
        for program in programs(analysis):
            given = list(_given(program))
            later = bool(given) and converts(program)
            for name, value in given:
                place = program.place(value)
                if later or not _is_number(value):
                    verdict.ok(place, f"{name} is text, or made text later")
                    continue
                verdict.fail(
                    place,
                    f"{name} is given a value that is no text",
                    "Write the text: a literal string, or str(value).",
                    confidence=Confidence.MEDIUM,
                )


def _given(program: Program) -> Iterator[tuple[str, ast.expr]]:
    """The variables of Metaflow's that a mapping is given, and their values."""
    for mapping in program.nodes(ast.Dict):
        for key, value in zip(mapping.keys, mapping.values, strict=True):
            if _VARIABLE.match(str(literal(key))):
                yield str(literal(key)), value
    for assign in program.nodes(ast.Assign):
        match assign:
            case ast.Assign(targets=[ast.Subscript(slice=key)], value=value):
                if _VARIABLE.match(str(literal(key))):
                    yield str(literal(key)), value
            case _:
                pass


def _is_number(value: ast.expr) -> bool:
    """Whether it is a number for certain: written down, or counted on from something."""
    match value:
        case ast.Constant(value=bool() | int() | float()):
            return True
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
            return type(literal(left)) is int or type(literal(right)) is int
        case _:
            return False
