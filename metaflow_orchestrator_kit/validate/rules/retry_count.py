from __future__ import annotations

import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command, Option, Presence, Side
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import Const, Text, Value, options_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import (
    at_flag,
    by_place,
    describe_unknown,
    nothing_launched,
)
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.generated_calls import given_in_text
from metaflow_orchestrator_kit.validate.rules.passed_retry_counts import constant_counts
from metaflow_orchestrator_kit.validate.rules.shell_variables import is_set_to_number

FLAG = "--retry-count"
_FIX = (
    f"Pass {FLAG} from the scheduler's own counter of attempts, counted from 0: it is 0 for the "
    "first attempt of a task, 1 for its first retry."
)


class RetryCountConstant(Rule):
    """`--retry-count` of a step is a constant, or is missing.

    It is the number of the attempt, from 0. When every attempt says 0 they overwrite each
    other's artifacts and logs, `current.retry_count` lies, and `@catch` never takes effect
    after retries. Take it from the scheduler (subtract 1 where it counts from 1).
    """

    code = "MOK006"
    name = "retry-count-constant"
    clauses = ("H1",)
    severity = Severity.ERROR

    VALID = (
        Example("an attempt that is passed in", compiler("""\
        def command(node, attempt):
            cmd = ["python", "flow.py", "--quiet", "step", node, "--run-id", "r"]
            return cmd + ["--retry-count", str(attempt)]
        """)),
        Example("an expression of the scheduler", compiler("""\
        def command(node):
            step = "step %s --run-id r --retry-count $((JOB_ATTEMPT-1))" % node
            return "python flow.py --quiet " + step
        """)),
        Example("given by a call that is generated line by line", compiler("""\
        def build(node, retry_count=0):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r"]
            return cmd + ["--retry-count", str(retry_count)]
        def call(node, attempt):
            return ["build(", f"    {node!r},", f"    retry_count={attempt},", ")"]
        """)),
        Example("a template's placeholder", compiler("""\
        COUNT = "{{retries}}"
        def command(node, retries):
            count = COUNT if retries else 0
            return ["python", "flow.py", "step", node, "--run-id r", f"--retry-count {count}"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a literal", compiler("""\
        def command(node):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r"]
            return cmd + ["--retry-count", "0"]  # <-- here
        """)),
        Example("through a variable", compiler("""\
        FIRST = 0
        def command(node):
            attempt = FIRST
            cmd = ["python", "flow.py", "step", node, "--run-id", "r"]
            cmd.append(f"--retry-count={attempt}")  # <-- here
            return cmd
        """)),
        Example("through a default that nobody overrides", compiler("""\
        def build(node, attempt=0):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r"]
            return cmd + ['--retry-count', str(attempt)]  # <-- here
        def launch(node):
            return build(node)
        """)),
        Example("a variable of a script, set once and for all", compiler('''\
        SCRIPT = """#!/bin/bash
        set -e
        TRY=0
        python flow.py --quiet step start --run-id r --task-id t --retry-count "$TRY"  # <-- here
        """
        ''')),
        Example("missing", compiler("""\
        def command(node):
            '''--retry-count is passed.'''
            return ["python", "flow.py", "step", node, "--run-id", "r"]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        for commands in by_place(analysis, "step").values():
            options = [o for c in commands for o in c.options(FLAG, Side.COMMAND)]
            if not options:
                self._missing(commands, verdict)
                continue
            live = [
                o for o in options if not _constant(o) and not is_set_to_number(analysis, o.text)
            ]
            if live:
                verdict.ok(live[0].origin, f"`{FLAG}` is computed")
            elif (given := given_in_text(analysis, "retry_count", commands[0])) is not None:
                verdict.ok(given, "a generated call passes `retry_count`")
            else:
                verdict.fail(
                    at_flag(analysis, options[0].origin, FLAG),
                    f"every attempt gets `{FLAG} {options[0].text}`",
                    _FIX,
                )

        for name, place in constant_counts(analysis):
            text = f"every call of {name}() passes the same `retry_count`, or none"
            verdict.fail(place, text, _FIX, confidence=Confidence.MEDIUM)

    def _missing(self, commands: list[Command], verdict: Judge) -> None:
        command = commands[0]
        if any(c.options(FLAG, Side.TOP) for c in commands):
            where = command.options(FLAG, Side.TOP)[0].origin
            verdict.fail(where, f"`{FLAG}` stands before `step`", f"Put {FLAG} after `step`.")
        elif any(c.presence(FLAG, Side.COMMAND) is Presence.UNKNOWN for c in commands):
            verdict.unsure(command.origin, describe_unknown(command, Side.COMMAND))
        else:
            verdict.fail(command.origin, f"`step` is started without `{FLAG}`", _FIX)


def _constant(option: Option) -> bool:
    """Whether the value is a number that is written down."""
    if option.text is not None and not option.values:
        return _is_number(option.text)
    return bool(option.values) and all(_is_constant(v) for v in option.values)


def _is_constant(value: Value) -> bool:
    for _, option in options_of(value):
        if isinstance(option, Const):
            continue
        if isinstance(option, Text):
            literal = option.literal()
            if literal is not None and _is_number(literal):
                continue
        return False
    return True


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[\"']?\d+[\"']?", text.strip()))
