from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.assigned import made_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal
from metaflow_orchestrator_kit.validate.walking import source, walk

_ASSIGNS = regex(r"(?:^|\n)[ \t]*[A-Za-z_]\w*(?:[ \t]*:[ \t]*[\w\[\], ]+)?[ \t]*=[ \t]*$")
_PYTHON = regex(r"(?m)^[ \t]*(?:import \w+|from [\w.]+ import \w|def \w+\(|class \w+[(:])")
#: What is nothing but names and numbers is the same in both languages.
_PLAIN = regex(r"names?\b|ids\b|steps?\b|paths?\b|tags\b|cmd|command|list\(|sorted\(", re.I)
_FIX = "Write `repr(value)`, or `json.loads(<repr of the JSON>)`."


class JsonAsPython(Rule):
    """JSON is written into a generated program as if it were Python.

    `true`, `false` and `null` are no names in Python: as soon as one value of the data is a
    boolean or empty, the program that was written stops with a NameError.
    """

    code = "MOK914"
    name = "json-taken-for-python"
    clauses = ("D12",)
    severity = Severity.WARNING

    VALID = (
        Example("as Python", compiler('''\
        def source(params):
            return f"""
        import subprocess
        DEFAULTS = {params!r}
        """
        ''')),
    )  # fmt: skip
    INVALID = (
        Example("as JSON", compiler('''\
        import json
        def source(params):
            return f"""
        import subprocess
        DEFAULTS = {json.dumps(params)}  # <-- here
        """
        ''')),
        Example("in a line", compiler("""\
        import json
        def lines(config):
            return ["import subprocess", "CONFIG = %s" % json.dumps(config)]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            if program.module is None or not _PYTHON.search(program.module.source):
                continue
            for value in _assigned(program):
                place = program.place(value)
                if _is_json(program, value) and _writes_python(program, value):
                    verdict.fail(
                        place,
                        "JSON is assigned to a variable of a generated program",
                        _FIX,
                        confidence=Confidence.MEDIUM,
                    )
                else:
                    verdict.ok(place, "what is assigned in a program is not JSON")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no values are assigned in generated programs")


def _assigned(program: Program) -> Iterator[ast.expr]:
    """What is formatted behind ``NAME =`` in a string."""
    for joined in program.nodes(ast.JoinedStr):
        for before, part in itertools.pairwise(joined.values):
            if isinstance(part, ast.FormattedValue) and _ASSIGNS.search(str(literal(before))):
                yield part if part.conversion == 114 else part.value
    for operation in program.nodes(ast.BinOp):
        match operation:
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right):
                if text.count("%") == 1 and _ASSIGNS.search(text.partition("%s")[0]):
                    yield right
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                last = left.right if isinstance(left, ast.BinOp) else left
                if _ASSIGNS.search(str(literal(last))):
                    yield right
            case _:
                pass


def _is_json(program: Program, value: ast.expr) -> bool:
    """Whether it is nothing but ``json.dumps`` of data that may hold a boolean or None."""
    made = made_of(program, value)
    made = made[1:] if isinstance(value, ast.Name) else made[:1]
    return bool(made) and all(
        isinstance(m, ast.Call)
        and called(m) == "dumps"
        and bool(m.args)
        and not _PLAIN.search(source(m.args[0]))
        and not isinstance(m.args[0], ast.JoinedStr | ast.Constant | ast.List | ast.ListComp)
        for m in made
    )


def _writes_python(program: Program, value: ast.expr) -> bool:
    """Whether the strings around it are Python."""
    scope = program.function(value) or program.tree
    return any(
        isinstance(n, ast.Constant) and isinstance(n.value, str) and _PYTHON.search(n.value)
        for n in walk(scope)
        if not program.is_text(n)
    )
