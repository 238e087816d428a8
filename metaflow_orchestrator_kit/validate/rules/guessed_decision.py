from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.decision_artifacts import (
    ARTIFACTS,
    WIDTH,
    reader_names,
)
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal, nodes, words_of
from metaflow_orchestrator_kit.validate.walking import walk


class GuessedDecision(Rule):
    """When the fan-out width or the chosen branch cannot be read, a value is made up.

    A handler that goes on with width 1 processes the first item only, and one that takes the
    first branch runs the wrong one; the run ends well and its result is wrong. Let
    the error fail the task: it will be retried, or somebody will see it.
    """

    code = "MOK311"
    name = "guessed-decision"
    clauses = ("F10", "F13")
    severity = Severity.ERROR

    VALID = (
        Example("the error is passed on", compiler("""\
        def width(datastore, task):
            try:
                return int(datastore[task]["_foreach_num_splits"])
            except KeyError as error:
                raise RuntimeError(f"{task} left no width") from error
        """)),
    )  # fmt: skip
    INVALID = (
        Example("width 1", compiler("""\
        def width(datastore, task):
            try:
                return int(datastore[task]["_foreach_num_splits"])
            except Exception:
                return 1  # <-- here
        """)),
        Example("by a function that reads it", compiler("""\
        def _read(task):
            return int(task["_foreach_num_splits"])
        def width(task):
            try:
                count = _read(task)
            except Exception:
                count = 1  # <-- here
            return count
        """)),
        Example("a default", compiler("""\
        def width(flow):
            return getattr(flow, "_foreach_num_splits", 1)  # <-- here
        """)),
        Example("the first branch", compiler("""\
        def chosen(task, branches):
            try:
                return task["_transition"][0][0]
            except (KeyError, IndexError):
                return branches[0]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no width or branch is read")
        names = ARTIFACTS | reader_names(analysis)
        for module, node in nodes(analysis, ast.Try):
            if not isinstance(node, ast.Try):
                continue
            known = set[str]().union(*(words_of(s) for s in node.body))
            if not known & names:
                continue
            for handler in node.handlers:
                guess = _guess(handler)
                if guess is None:
                    verdict.ok(analysis.place(module, node), "an unreadable decision is no default")
                    continue
                verdict.fail(
                    analysis.place(module, guess),
                    "a width or branch that cannot be read is replaced by "
                    f"`{ast.unparse(_value(guess))}`",
                    "Let the error out: a task that cannot be read must fail, not be guessed.",
                    confidence=Confidence.HIGH if known & ARTIFACTS else Confidence.MEDIUM,
                )
        for module, node in nodes(analysis, ast.Call):
            if isinstance(node, ast.Call) and _defaulted(node):
                verdict.fail(
                    analysis.place(module, node),
                    "a width that is not there is taken to be 1",
                    f"Read `{WIDTH}` without a default.",
                )


def _guess(handler: ast.ExceptHandler) -> ast.Return | ast.Assign | None:
    """The statement of a handler that makes a value up; None when there is none."""
    if any(isinstance(n, ast.Raise) for n in walk(handler)):
        return None
    for statement in handler.body:
        if isinstance(statement, ast.Return | ast.Assign) and _made_up(statement.value):
            return statement
    return None


def _value(statement: ast.Return | ast.Assign) -> ast.expr:
    return statement.value or ast.Constant(None)


def _made_up(value: ast.expr | None) -> bool:
    match value:
        case ast.Constant(value=number):
            return isinstance(number, int) and not isinstance(number, bool) and number >= 0
        case ast.Subscript(slice=ast.Constant(value=0)):
            return True
        case ast.Call(func=ast.Name(id="next" | "min" | "sorted")):
            return True
        case _:
            return False


def _defaulted(call: ast.Call) -> bool:
    if len(call.args) < 2:
        return False
    name, default = call.args[-2], call.args[-1]
    return literal(name) == WIDTH and type(literal(default)) is int and literal(default) == 1
