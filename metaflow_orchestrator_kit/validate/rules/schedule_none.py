from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.walking import walk

_OF_TEXT = {"split", "strip", "replace", "rsplit", "startswith", "endswith", "lower", "format"}


class ScheduleNone(Rule):
    """The time of a @schedule is taken for a text, and may be None.

    `@schedule(daily=False)`, and one whose interval is switched off by a config, has no time:
    `deco.schedule` is None, and such a flow runs only when somebody starts it. Code that splits
    it into fields ends in an AttributeError.

    Ask for None first: there is no schedule then.
    """

    code = "MOK551"
    name = "schedule-may-be-none"
    clauses = ("K1",)
    severity = Severity.WARNING

    VALID = (
        Example("asked first", compiler("""\
        def cron(flow):
            found = flow._flow_decorators.get("schedule")
            if not found or found[0].schedule is None:
                return None
            return found[0].schedule.split()
        """)),
    )  # fmt: skip
    INVALID = (
        Example("fields of it", compiler("""\
        def cron(flow):
            found = flow._flow_decorators.get("schedule")
            return found[0].schedule.split() if found else None  # <-- here
        """)),
        Example("through a variable", compiler("""\
        def cron(flow):
            for deco in flow._flow_decorators.get("schedule", []):
                expression = deco.schedule
                return expression.replace("?", "*")  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for node in program.nodes(ast.Attribute):
                if node.attr not in _OF_TEXT or not isinstance(node.ctx, ast.Load):
                    continue
                function = program.function(node)
                if function is None or not _is_schedule(function, node.value):
                    continue
                if _asks(program, function, node):
                    verdict.ok(program.place(node), "it is known that there is a time")
                    continue
                text = "the schedule may be None here"
                verdict.fail(program.place(node), text, "Ask for None first: no schedule then.")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no schedule is taken apart")


def _is_schedule(function: ast.AST, node: ast.expr) -> bool:
    """``deco.schedule``, in a function that looks flow decorators up, or a name for it."""
    match node:
        case ast.Attribute(value=owner, attr="schedule"):
            plain = isinstance(owner, ast.Name) and owner.id == "self"
            return not plain and any(
                isinstance(n, ast.Attribute) and n.attr == "_flow_decorators"
                for n in walk(function)
            )
        case ast.Name(id=name):
            given = [
                n.value
                for n in walk(function)
                if isinstance(n, ast.Assign)
                and any(isinstance(t, ast.Name) and t.id == name for t in n.targets)
            ]
            return (
                len(given) == 1
                and not isinstance(given[0], ast.Name)
                and _is_schedule(function, given[0])
            )
        case _:
            return False


def _asks(program: Program, function: ast.AST, node: ast.Attribute) -> bool:
    """Whether a test of the function is about the schedule itself."""
    wanted = node.value
    for test in walk(function):
        tests: list[ast.expr] = []
        if isinstance(test, ast.If | ast.IfExp | ast.While | ast.Assert):
            tests = [test.test]
        elif isinstance(test, ast.BoolOp):
            tests = test.values[:-1]
        elif isinstance(test, ast.comprehension):
            tests = test.ifs
        for asked in tests:
            for inner in walk(asked):
                same = isinstance(wanted, ast.Name) and (
                    isinstance(inner, ast.Name) and inner.id == wanted.id
                )
                if same or (isinstance(inner, ast.Attribute) and inner.attr == "schedule"):
                    return True
    return any(isinstance(o, ast.Try) for o in program.parents(node))
