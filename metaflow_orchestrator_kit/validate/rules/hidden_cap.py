from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs, source
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

_WIDTH = regex(r"num_splits|split_(count|indices|indexes)|foreach_(count|items|width|values)|"
                    r"(^|_)(width|cardinality|splits|fan_?out)$", re.I)  # fmt: skip
_FIX = "Run every item; where the scheduler has a limit, raise an error that states it."


class HiddenCap(Rule):
    """The width of a foreach is cut at a number.

    `items[:100]` or `min(width, 50)` drops the rest of the items without a word: the join gets
    fewer inputs than there are splits, and fails, or the flow ends green with part of its work.
    """

    code = "MOK524"
    name = "foreach-cut-off"
    clauses = ("L7", "F8")
    severity = Severity.ERROR

    VALID = (
        Example("an error", compiler("""\
        LIMIT = 1000

        def splits(num_splits):
            if num_splits > LIMIT:
                raise ValueError("a foreach over more than 1000 items is not supported")
            return list(range(num_splits))
        """)),
        Example("all of them", compiler("""\
        def splits(store):
            return range(int(store["_foreach_num_splits"]))
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a minimum", compiler("""\
        def splits(store):
            return range(min(int(store["_foreach_num_splits"]), 100))  # <-- here
        """)),
        Example("a slice", compiler("""\
        MAX_WIDTH = 50

        def splits(num_splits):
            foreach_items = list(range(num_splits))
            return foreach_items[:MAX_WIDTH]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for call in program.calls("min", "range"):
                if called(call) == "min" and len(call.args) == 2:
                    _judge_minimum(program, call, verdict)
                elif called(call) == "range" and any(_is_width(a) for a in call.args):
                    verdict.ok(program.place(call), "every split is counted")
            for node in program.nodes(ast.Subscript):
                cut = node.slice if isinstance(node.slice, ast.Slice) else None
                if cut and not cut.lower and _is_limit(cut.upper) and _is_width(node.value):
                    text = f"`{source(node)}` drops the items after the limit"
                    verdict.fail(program.place(node), text, _FIX, confidence=Confidence.MEDIUM)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no width of a foreach is counted")


def _judge_minimum(program: Program, call: ast.Call, verdict: Judge) -> None:
    width = [a for a in call.args if _is_width(a)]
    limit = [a for a in call.args if _is_limit(a)]
    if len(width) == 1 and len(limit) == 1:
        text = f"`{source(call)}` drops the items after the limit"
        verdict.fail(program.place(call), text, _FIX, confidence=Confidence.MEDIUM)


def _is_width(node: ast.expr) -> bool:
    """Whether an expression is the width, or the items, of a foreach."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return bool(_WIDTH.search(name)) and not name.isupper()
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return bool(_WIDTH.search(name))
        case ast.Call(func=ast.Name(id="int" | "len" | "list"), args=[inner]):
            return _is_width(inner)
        case _:
            return False


def _is_limit(node: ast.expr | None) -> bool:
    match node:
        case ast.Constant(value=int(number)):
            return number > 1
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.isupper()
        case _:
            return False
