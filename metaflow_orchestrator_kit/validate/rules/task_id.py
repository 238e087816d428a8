from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place
from metaflow_orchestrator_kit.validate.rules.computed_task_ids import made_badly
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.identifiers import (
    given,
    is_integer,
    new_each_time,
    of_the_attempt,
)
from metaflow_orchestrator_kit.validate.rules.passed_task_ids import literal_numbers
from metaflow_orchestrator_kit.validate.rules.places import by_function

FLAG = "--task-id"
_FIX = (
    "Make the id from what names the task: the step, its parent, the split index and the "
    "scheduler's execution, with a letter in front; the same for every attempt."
)


class UnstableTaskId(Rule):
    """The id of a task is a number, or another one on each attempt.

    A task whose id is a number is never registered: every command ends well, and the client
    shows no tasks. An id that holds the attempt, a clock or a random number makes each retry a
    task of its own, so the step seems to have failed although it succeeded later.
    Derive the id from the place of the task in the run.
    """

    code = "MOK303"
    name = "unstable-task-id"
    clauses = ("F2",)
    severity = Severity.ERROR

    VALID = (
        Example("from the place in the run", compiler("""\
        import hashlib
        def command(node, parent, index):
            digest = hashlib.sha1(f"{node}-{parent}-{index}".encode()).hexdigest()
            cmd = ["python", "flow.py", "step", node, "--run-id", "r"]
            return cmd + ["--task-id", "t-" + digest]
        """)),
        Example("the scheduler's own", compiler("""\
        def command(node):
            return f"python flow.py step {node} --run-id r --task-id $SCHEDULER_TASK"
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a number", compiler("""\
        def command(node):
            return ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "1"] # <-- here
        """)),
        Example("a number, in a line of a generated program", compiler("""\
        SOURCE = '''
        import subprocess
        def run_step(node, task_id):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r"]
            subprocess.run(cmd + ["--task-id", task_id])
        '''
        def lines(node):
            return f"    run_step({node}, '1')"  # <-- here
        """)),
        Example("a sum", compiler("""\
        def command(node, index):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r"]
            return cmd + ["--task-id", str(index + 1)]  # <-- here
        """)),
        Example("a sum, made elsewhere", compiler("""\
        def task_id(index):
            return str(sum(index) + 1)  # <-- here
        def command(launch):
            cmd = ["python", "flow.py", "step", launch.step, "--run-id", "r"]
            return cmd + ["--task-id", launch.task_id]
        """)),
        Example("the attempt, written in elsewhere", compiler("""\
        def launch(engine, step, retry_count):
            task_id = "t-%s-%d" % (step, retry_count)  # <-- here
            engine.start(step, task_id)
        def command(launched):
            cmd = ["python", "flow.py", "step", launched.step, "--run-id", "r"]
            return cmd + ["--task-id", launched.id]
        """)),
        Example("the attempt", compiler("""\
        def command(node, attempt):
            task_id = f"{node}-{attempt}"
            cmd = ["python", "flow.py", "step", node, "--run-id", "r"]
            return cmd + ["--task-id", task_id]  # <-- here
        """)),
        Example("random, in generated code", compiler('''\
        SOURCE = """
        import subprocess, uuid
        def run(node, run_id):
            task_id = uuid.uuid4().hex
            cmd = ["python", "flow.py", "step", node, "--run-id", run_id]
            cmd += ["--task-id", task_id]  # <-- here
            subprocess.run(cmd)
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        places = by_place(analysis, "step")
        if not any(given(commands, FLAG) for commands in places.values()):
            verdict.not_applicable("no task id is passed to a step")
        for commands in places.values():
            judge_task_id(commands, verdict, "`step`", _FIX)
        seen = {f.path for f in verdict.findings}
        made: dict[str, list[Origin]] = {}
        for place, what in made_badly(analysis) if places else ():
            if place.path not in seen:
                made.setdefault(what, []).append(place)
        for what, found in made.items():
            for place in by_function(analysis, found):
                verdict.fail(place, what, _FIX, confidence=Confidence.MEDIUM)
        for name, found in literal_numbers(analysis).items():
            for place in by_function(analysis, found):
                verdict.fail(place, f"{name}() gets a number as a step's task id", _FIX)


def judge_task_id(commands: list[Command], verdict: Judge, what: str, fix: str) -> None:
    """Judge the task ids of commands at one place."""
    for option in given(commands, FLAG):
        counter = of_the_attempt(option)
        source = new_each_time(option)
        if is_integer(option):
            shown = (option.text or "").strip("\"'")
            number = f" {shown}" if shown.isdigit() else ""
            verdict.fail(option.origin, f"{what} gets a number{number} as its task id", fix)
        elif counter:
            verdict.fail(
                option.origin,
                f"{what} gets a task id that holds the attempt (`{counter}`)",
                fix,
                confidence=Confidence.MEDIUM,
            )
        elif source:
            verdict.fail(
                option.origin,
                f"{what} gets a task id from {source}(), a new one on each attempt",
                fix,
                confidence=Confidence.MEDIUM,
            )
        else:
            verdict.ok(option.origin, f"the task id of {what} is neither a number nor random")
