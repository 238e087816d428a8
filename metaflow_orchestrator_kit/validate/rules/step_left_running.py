from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.per_place import broken, kept_for_each
from metaflow_orchestrator_kit.validate.rules.syntax import (
    calls,
    function_of,
    terminal,
    words_of,
)
from metaflow_orchestrator_kit.validate.walking import walk

_WAITING = frozenset(["run", "call", "check_call", "check_output", "system"])
_ENDING = (
    "killpg", "start_new_session", "setsid", "setpgrp", "process_group",
    "send_signal", "SIGTERM", "preexec_fn",
)  # fmt: skip
_PROCESS = regex(r"proc|popen|child|^p$|^sp$|job|task", re.I)


class StepLeftRunning(Rule):
    """A step is run by a call that waits, and nothing ends it when the run is cancelled.

    `subprocess.run` leaves the process behind when its thread or worker goes away: the scheduler
    starts attempt 1 while attempt 0 still writes. Start the step in a group of its own, pass
    SIGTERM on, kill the group after a while, and wait for it.
    """

    code = "MOK458"
    name = "step-left-running"
    clauses = ("H8",)
    severity = Severity.ADVICE

    VALID = (
        Example("ended with its group", compiler("""\
        import os, signal, subprocess
        def run(node):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            process = subprocess.Popen(cmd, start_new_session=True)
            signal.signal(signal.SIGTERM, lambda *_: os.killpg(process.pid, signal.SIGTERM))
            return process.wait()
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a call that waits", compiler("""\
        import subprocess
        def run(node):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            return subprocess.run(cmd, check=True)  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        steps = {(o.path, o.line) for o in by_place(analysis, "step")}
        verdict.not_applicable("no step is started from Python by a call that waits")
        found = [
            (call, place)
            for name, call, place in starting_calls(analysis, steps)
            if name in _WAITING or _is_waited_for(analysis, call)
        ]
        ended = kept_for_each(analysis, [call for call, _ in found], _ends)
        for number in broken(ended):
            verdict.fail(
                found[number][1],
                "a step is run by a call that waits, and nothing ends its process on cancel",
                "Start it in its own session and end the group on SIGTERM or cancellation.",
                confidence=Confidence.MEDIUM,
            )
        for (_, place), is_ended in zip(found, ended, strict=True):
            if is_ended:
                verdict.ok(place, "processes are ended")


def _ends(code: ast.AST) -> bool:
    """Whether processes are ended here; a method that ends a run has nothing to do with it."""
    return not words_of(code).isdisjoint(_ENDING) or any(
        isinstance(n, ast.Attribute)
        and n.attr == "terminate"
        and _PROCESS.search(terminal(n.value))
        for n in walk(code)
    )


def _is_waited_for(analysis: Analysis, call: ast.Call) -> bool:
    """Whether the function that starts the process waits for its end."""
    function = function_of(analysis, call)
    return function is not None and any(
        isinstance(n, ast.Attribute) and n.attr in ("wait", "communicate") for n in walk(function)
    )


def starting_calls(
    analysis: Analysis, steps: set[tuple[str, int]], *, scripts: bool = False
) -> Iterator[tuple[str, ast.Call, Origin]]:
    """The calls that start a process, in functions that build the command of a step.

    With *scripts*, also those of generated programs without functions, which build one.
    """
    for module, call in calls(analysis, *_WAITING, "Popen"):
        owner = terminal(getattr(call.func, "value", None))
        if owner not in ("subprocess", "os", "sp", "_subprocess"):
            continue
        function = function_of(analysis, call)
        last = analysis.place(module, call)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            first = analysis.place(module, function).line
            if any(path == last.path and first <= line <= last.line for path, line in steps):
                yield terminal(call.func), call, last
        elif scripts and module in analysis.positions and "--run-id" in module.source:
            yield terminal(call.func), call, last
