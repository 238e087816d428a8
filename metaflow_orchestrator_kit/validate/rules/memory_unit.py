from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.assigned import made_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal, words_of
from metaflow_orchestrator_kit.validate.walking import walk

_GIGA = regex(r" ?(?:Gi?B?|GB|gb?)(?![\w])")
_READ = frozenset(["attributes", "attrs", "resources", "deco", "decorator"])
_FIX = "Write `Mi` (or divide by 1024): `memory` of @resources counts megabytes."


class MemoryUnit(Rule):
    """The memory of `@resources` is asked for in gigabytes.

    `memory` counts megabytes: 4096 is four gigabytes. With `Gi` behind it a task asks for a
    thousand times as much, and waits for ever for a machine that has it.
    """

    code = "MOK536"
    name = "memory-in-gigabytes"
    clauses = ("M1",)
    severity = Severity.ERROR

    VALID = (
        Example("divided", compiler("""\
        def request(deco):
            return {"memory": f"{int(deco.attributes['memory']) // 1024}Gi"}
        """)),
    )  # fmt: skip
    INVALID = (
        Example("with another unit", compiler("""\
        def request(deco):
            return {"memory": f"{deco.attributes['memory']}Gi"}  # <-- here
        """)),
        Example("through a variable", compiler("""\
        def request(resources):
            memory = resources.get("memory", 4096)
            return "--memory=%sG" % memory  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no memory is written with a unit")
        for program in programs(analysis):
            for value in _giga(program):
                made = made_of(program, value)
                words = set().union(*map(words_of, made))
                if "memory" not in words or words.isdisjoint(_READ):
                    continue
                place = program.place(value)
                if any(isinstance(n, ast.BinOp) for m in made for n in walk(m)):
                    verdict.ok(place, "megabytes are made gigabytes")
                else:
                    verdict.fail(place, "megabytes are asked for as gigabytes", _FIX)


def _giga(program: Program) -> Iterator[ast.expr]:
    """What is followed by the sign of gigabytes."""
    for joined in program.nodes(ast.JoinedStr):
        for part, after in itertools.pairwise(joined.values):
            if isinstance(part, ast.FormattedValue) and _GIGA.match(str(literal(after))):
                yield part.value
    for operation in program.nodes(ast.BinOp):
        match operation:
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right):
                found = re.search(r"%[sd]", text)
                if found and text.count("%") == 1 and _GIGA.match(text[found.end() :]):
                    yield right
            case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=str(text))):
                if _GIGA.fullmatch(text):
                    yield left
            case _:
                pass
