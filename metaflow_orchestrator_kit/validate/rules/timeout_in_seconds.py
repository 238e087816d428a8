from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import words_of
from metaflow_orchestrator_kit.validate.walking import walk

_FIX = "Read `deco.secs`, or ask get_run_time_limit_for_task(node.decorators): both add all three."


class TimeoutInSeconds(Rule):
    """Only the `seconds` of `@timeout` are read.

    `@timeout(minutes=30)` and `@timeout(hours=2)` leave `seconds` at 0. Such a step is ended at
    once, or has no limit at all, while its user asked for one.
    """

    code = "MOK462"
    name = "timeout-read-as-seconds"
    clauses = ("H7",)
    severity = Severity.ERROR

    VALID = (
        Example("all of it", compiler("""\
        def limit(node):
            for deco in node.decorators:
                if deco.name == "timeout":
                    given = deco.attributes
                    return int(given["seconds"]) + 60 * (given["minutes"] + 60 * given["hours"])
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the seconds", compiler("""\
        def limit(node):
            for deco in node.decorators:
                if deco.name == "timeout":
                    return int(deco.attributes.get("seconds", 0))  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("the attributes of `@timeout` are not read one by one")
        for program in programs(analysis):
            for node in program.nodes(ast.Subscript, ast.Call):
                if not _reads_seconds(node):
                    continue
                words = _around(program, node)
                if "timeout" not in words:
                    continue
                place = program.place(node)
                if {"minutes", "hours"} & words or _asks_for_all(program, node):
                    verdict.ok(place, "minutes and hours are read as well")
                else:
                    text = "of `@timeout` only `seconds` is read, not minutes and hours"
                    verdict.fail(place, text, _FIX)


def _reads_seconds(node: ast.AST) -> bool:
    match node:
        case ast.Subscript(slice=ast.Constant(value="seconds"), ctx=ast.Load()):
            return True
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value="seconds"), *_]):
            return True
        case _:
            return False


def _asks_for_all(program: Program, node: ast.AST) -> bool:
    """Whether ``deco.secs`` is read nearby, in which the decorator adds all three up."""
    around = program.function(node) or program.tree
    return any(isinstance(n, ast.Attribute) and n.attr == "secs" for n in walk(around))


def _around(program: Program, node: ast.AST) -> set[str]:
    return words_of(program.function(node) or program.tree)
