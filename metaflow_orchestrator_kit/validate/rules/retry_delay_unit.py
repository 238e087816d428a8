from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.assigned import made_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal, words_of
from metaflow_orchestrator_kit.validate.walking import walk

MINUTES = "minutes_between_retries"
_SECONDS = regex(r"(?:^|_)(?:seconds?|secs?)$", re.I)
_UNIT = regex(r"S(?![\w])|s(?![\w])| ?sec")
_FIX = "Multiply by 60, or name the unit: the attribute counts minutes."


class RetryDelayUnit(Rule):
    """The minutes between retries are waited as seconds.

    `@retry(minutes_between_retries=5)` gives a service five minutes to come back. Taken as
    seconds, all attempts are over before it is there, and the run fails.
    """

    code = "MOK463"
    name = "retry-delay-in-seconds"
    clauses = ("H5",)
    severity = Severity.ERROR

    VALID = (
        Example("multiplied", compiler("""\
        def policy(deco):
            return {"delay_seconds": 60 * float(deco.attributes["minutes_between_retries"])}
        """)),
    )  # fmt: skip
    INVALID = (
        Example("under a key", compiler("""\
        def policy(deco):
            minutes = int(deco.attributes["minutes_between_retries"])
            return {"retries": 3, "delay_seconds": minutes}  # <-- here
        """)),
        Example("of a function", compiler("""\
        def delay(deco):
            minutes = float(deco.attributes.get("minutes_between_retries", 2))
            return int(minutes)  # <-- here
        def policy(deco):
            return {"retry_delay_seconds": delay(deco)}
        """)),
        Example("in a text", compiler("""\
        def policy(deco):
            return "backoff: %ss" % deco.attributes.get("minutes_between_retries", 2)  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("the delay between retries is not written with a unit")
        for program in programs(analysis):
            if not program.generated and program.module and MINUTES not in program.module.source:
                continue
            for given in _as_seconds(program):
                at, value, made = _through_function(analysis, program, given)
                if MINUTES not in set().union(*map(words_of, made)):
                    continue
                place = at.place(value)
                if any(_multiplied(m) for m in made):
                    verdict.ok(place, "minutes are made seconds")
                else:
                    verdict.fail(place, f"`{MINUTES}` is taken for seconds", _FIX)


def _through_function(
    analysis: Analysis, program: Program, value: ast.expr
) -> tuple[Program, ast.expr, list[ast.expr]]:
    """The expression, or what the one function of that name answers, and what it was made of."""
    if isinstance(value, ast.Call):
        name = called(value)
        for other in programs(analysis):
            for answer in other.nodes(ast.Return):
                function = other.function(answer)
                if function is None or function.name != name or answer.value is None:
                    continue
                made = made_of(other, answer.value)
                if MINUTES in set().union(*map(words_of, made)):
                    return other, answer.value, made
    return program, value, made_of(program, value)


def _as_seconds(program: Program) -> Iterator[ast.expr]:
    """What is given to something that counts seconds."""
    for keyword in program.nodes(ast.keyword):
        if keyword.arg and _SECONDS.search(keyword.arg):
            yield keyword.value
    for mapping in program.nodes(ast.Dict):
        for key, value in zip(mapping.keys, mapping.values, strict=True):
            if _SECONDS.search(str(literal(key))):
                yield value
    for joined in program.nodes(ast.JoinedStr):
        for part, after in itertools.pairwise(joined.values):
            if isinstance(part, ast.FormattedValue) and _UNIT.match(str(literal(after))):
                yield part.value
    for operation in program.nodes(ast.BinOp):
        match operation:
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right):
                found = re.search(r"%[sdf]", text)
                if found and text.count("%") == 1 and _UNIT.match(text[found.end() :]):
                    yield right
            case _:
                pass


def _multiplied(node: ast.expr) -> bool:
    return any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult) for n in walk(node)) or bool(
        {"timedelta", "total_seconds"} & words_of(node)
    )
