from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs, source
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal

_CLOCK = regex(
    r"time|deadline|elapsed|attempt|tries|retr|max|limit|until|clock|monotonic|count|waited|now",
    re.I,
)
_STATE = regex(
    r"\b_*(?:status|state|get_status|get_state|is_running|is_finished|finished|is_done|"
    r"is_complete|completed|is_terminal)\b"
)
_FIX = (
    "Count the time (or the tries) inside the loop and raise an error that says what was waited "
    "for; let the caller choose the limit."
)


class EndlessPoll(Rule):
    """A loop polls the scheduler and has no deadline.

    `while True: ... sleep` ends only when the answer that it waits for arrives. When the
    scheduler is gone, or the execution was deleted, or a new state has a name that the loop does
    not know, the command hangs and CI is killed without a message. Give every wait a deadline.
    """

    code = "MOK905"
    name = "poll-without-deadline"
    clauses = ("L1",)
    severity = Severity.WARNING

    VALID = (
        Example("a deadline", compiler("""\
        import time

        def wait(client, run, timeout):
            deadline = time.monotonic() + timeout
            while True:
                if client.state(run) == "DONE":
                    return
                if time.monotonic() > deadline:
                    raise TimeoutError(run)
                time.sleep(5)
        """)),
        Example("a condition of its own", compiler("""\
        import time

        def wait(client, run, tries):
            while tries:
                tries -= 1
                if client.state(run) == "DONE":
                    return
                time.sleep(5)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("none", compiler("""\
        import time

        def wait(client, run):
            while True:  # <-- here
                if client.state(run) in ("SUCCESS", "FAILED"):
                    return
                time.sleep(5)
        """)),
        Example("until the status is another one", compiler("""\
        import time

        class Run:
            def wait(self):
                while self.status not in ("SUCCEEDED", "FAILED"):  # <-- here
                    time.sleep(1)
        """)),
        Example("errors keep it going", compiler("""\
        import time

        def wait(client, run, echo):
            while 1:  # <-- here
                try:
                    if client.state(run) == "DONE":
                        break
                except Exception as error:
                    echo(error)
                time.sleep(5)
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for loop in [*program.nodes(ast.While), *filter(_is_forever, program.nodes(ast.For))]:
                if not program.whole or not _sleeps(loop):
                    continue
                if not (_is_forever(loop) or _awaits(loop)) or _bounded(loop):
                    verdict.ok(program.place(loop), "the wait has an end of its own")
                elif _awaits(loop) or _waits_for_something(program, loop):
                    text = "this loop ends only when the awaited state arrives"
                    verdict.fail(program.place(loop), text, _FIX)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no loop that sleeps was found")


def _sleeps(loop: ast.AST) -> bool:
    return any(isinstance(n, ast.Call) and called(n) in ("sleep", "_sleep") for n in _own(loop))


def _own(loop: ast.AST) -> list[ast.AST]:
    """The nodes of a loop that run in its own function."""
    found: list[ast.AST] = []
    waiting = list(ast.iter_child_nodes(loop))
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            found.append(node)
            waiting.extend(ast.iter_child_nodes(node))
    return found


def _is_forever(loop: ast.stmt) -> bool:
    match loop:
        case ast.For(iter=ast.Call() as call):
            return called(call) == "count"
        case ast.While(test=ast.Constant(value=value)):
            return bool(value)
        case _:
            return False


def _awaits(loop: ast.stmt) -> bool:
    """Whether the test of the loop is about a state that somebody else reaches."""
    test = loop.test if isinstance(loop, ast.While) else None
    return test is not None and literal(test) is ... and bool(_STATE.search(source(test)))


def _bounded(loop: ast.AST) -> bool:
    """Whether something in the loop compares a clock or a counter, or counts."""
    for node in _own(loop):
        if isinstance(node, ast.Compare) and _CLOCK.search(source(node)):
            return True
        if isinstance(node, ast.AugAssign) or (isinstance(node, ast.Raise) and node.exc is None):
            return True
    return False


def _waits_for_something(program: Program, loop: ast.AST) -> bool:
    """Whether the loop can end: one that cannot is a daemon, and means to stay."""
    return any(isinstance(n, ast.Return | ast.Break) for n in _own(loop))
