from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

_DAYS = 5
#: What schedulers call the longest time that a task, an activity or a job may take.
_LIMIT = regex(
    r"start_to_close_timeout|schedule_to_close_timeout|execution_timeout|task_timeout|"
    r"activeDeadlineSeconds|active_deadline_seconds|timeout_seconds|job_timeout|step_timeout"
)
_UNITS = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
_STEP = regex(r"step|task", re.I)


class StepLimitTooShort(Rule):
    """The scheduler ends every step after a fixed time, whatever the flow says.

    Without @timeout a step may take five days (METAFLOW_DEFAULT_RUNTIME_LIMIT), and with @timeout
    as long as that says. A constant limit of an hour or a day in the scheduler's own words kills
    long steps; @catch does not see it, and a retry begins from nothing.

    Make the limit from the step's @timeout plus the time to start and to store, and use five days
    where there is none.
    """

    code = "MOK459"
    name = "step-limit-fixed"
    clauses = ("H7",)
    severity = Severity.WARNING

    VALID = (
        Example("made from the step", compiler("""\
        from datetime import timedelta
        async def run_step(workflow, step):
            limit = timedelta(seconds=step.timeout + 600) if step.timeout else timedelta(days=5)
            await workflow.execute_activity("run_step", step, start_to_close_timeout=limit)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("an hour", compiler("""\
        from datetime import timedelta
        async def run_step(workflow, step):
            await workflow.execute_activity(
                "run_step", step,
                start_to_close_timeout=timedelta(hours=1),  # <-- here
            )
        """)),
        Example("in generated code", compiler('''\
        def source(step):
            return f"""
        from airflow.operators.bash import BashOperator
        task = BashOperator(
            task_id={step!r},
            bash_command="python flow.py step start --run-id r --task-id t",
            execution_timeout=timedelta(hours=24),
        )
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("the scheduler is given no limit for a step")
        for program in programs(analysis):
            for call in program.nodes(ast.Call):
                for keyword in call.keywords:
                    if keyword.arg and _LIMIT.fullmatch(keyword.arg) and _runs_step(program, call):
                        self._judge(program, keyword, verdict)

    def _judge(self, program: Program, keyword: ast.keyword, verdict: Judge) -> None:
        seconds = _seconds(keyword.value)
        place = program.place(keyword.value)
        if seconds is None or seconds >= _DAYS * 86_400:
            verdict.ok(place, f"`{keyword.arg}` is no short constant")
            return
        verdict.fail(
            place,
            f"every step is ended after {seconds:g} seconds, whatever its @timeout says",
            "Take the step's @timeout plus slack, and five days where there is none.",
            confidence=Confidence.MEDIUM,
        )


def _runs_step(program: Program, call: ast.Call) -> bool:
    """Whether what is limited is a step: the call or the function around it speaks of one."""
    function = program.function(call)
    words = [called(call), function.name if function else ""]
    words += [str(a.value) for a in call.args if isinstance(a, ast.Constant) and _is_text(a)]
    words += [a.id for a in call.args if isinstance(a, ast.Name)]
    words += [k.arg or "" for k in call.keywords]
    return any(_STEP.search(str(word)) for word in words)


def _is_text(node: ast.Constant) -> bool:
    return isinstance(node.value, str)


def _seconds(node: ast.expr) -> float | None:
    """The length of a constant time, or None for what is computed."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(str(node.value))
    if not isinstance(node, ast.Call) or called(node) != "timedelta" or node.args:
        return None
    total = 0.0
    for keyword in node.keywords:
        value = keyword.value
        if keyword.arg not in _UNITS or not isinstance(value, ast.Constant):
            return None
        total += _UNITS[keyword.arg] * float(str(value.value))
    return total
