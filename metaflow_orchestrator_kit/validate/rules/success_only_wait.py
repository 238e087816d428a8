from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs, source
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.walking import walk

_WELL = regex(r"^(?:succe|complete|finish|done|ok$)", re_flags := 2)
_STATE = regex(r"status|state|phase", re.I)
_ENDS = regex(r"fail|err|abort|cancel|crash|terminat|kill|dead$|terminal|final|done|running", re.I)


class SuccessOnlyWait(Rule):
    """A loop waits for a run to succeed, and for nothing else.

    The run fails, and the loop goes on: until its deadline, when it has one, and then it says that
    the time was up, not that the run failed.

    Leave the loop for every last state, and tell them apart afterwards.
    """

    code = "MOK562"
    name = "wait-for-success-only"
    clauses = ("L1",)
    severity = Severity.ERROR

    VALID = (
        Example("both", compiler("""\
        import time

        def wait(run):
            while run.status not in ("SUCCEEDED", "FAILED"):
                time.sleep(1)
        """)),
        Example("a failure leaves it", compiler("""\
        import time

        def wait(run):
            while run.status != "SUCCEEDED":
                if run.has_failed:
                    raise RuntimeError(run)
                time.sleep(1)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("until it succeeds", compiler("""\
        import time

        def wait(run, deadline):
            while run.status != "SUCCEEDED":  # <-- here
                if time.time() > deadline:
                    raise TimeoutError(run)
                time.sleep(1)
        """)),
        Example("for ever, with a break", compiler("""\
        import time

        def wait(client, name, tries):
            while True:  # <-- here
                tries -= 1
                if client.get(name)["state"] == "success":
                    return True
                time.sleep(tries)
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for loop in program.nodes(ast.While):
                if not program.whole or not _sleeps(loop):
                    continue
                if _until_success(loop) and not _sees_failure(program, loop):
                    text = "this loop goes on when what it waits for has failed"
                    where = program.place(loop)._replace(end_line=program.place(loop).line)
                    verdict.fail(where, text, "Leave it for every last state of a run.")
                else:
                    verdict.ok(program.place(loop), "it does not wait for success alone")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no loop that sleeps was found")


def _sleeps(loop: ast.While) -> bool:
    return any(isinstance(n, ast.Call) and called(n) == "sleep" for n in walk(loop))


def _until_success(loop: ast.While) -> bool:
    if isinstance(loop.test, ast.Constant):
        return any(
            isinstance(n, ast.If)
            and _is_success(n.test, ast.Eq)
            and any(isinstance(s, ast.Return | ast.Break) for s in n.body)
            for n in walk(loop)
        )
    return _is_success(loop.test, ast.NotEq)


def _is_success(test: ast.expr, operator: type[ast.cmpop]) -> bool:
    match test:
        case ast.Compare(left=left, ops=[op], comparators=[ast.Constant(value=str(text))]):
            return (
                isinstance(op, operator)
                and bool(_WELL.search(text))
                and bool(_STATE.search(source(left)))
            )
        case _:
            return False


def _sees_failure(program: Program, loop: ast.While) -> bool:
    """Whether anything in the loop asks about another end, or an error leaves it."""
    for node in walk(loop):
        words = [getattr(node, "attr", ""), getattr(node, "id", ""), getattr(node, "value", "")]
        if isinstance(node, ast.ExceptHandler):
            continue
        if isinstance(node, ast.Compare) and any(
            isinstance(o, ast.In | ast.NotIn) for o in node.ops
        ):
            return True
        for word in words:
            if not isinstance(word, str) or _WELL.search(word) or not _ENDS.search(word):
                continue
            if not _only_raised(program, node):
                return True
    return False


def _only_raised(program: Program, node: ast.AST) -> bool:
    """Whether it is part of an error's text: TimeoutError and its message ask about nothing."""
    return any(isinstance(outer, ast.Raise) for outer in program.parents(node))
