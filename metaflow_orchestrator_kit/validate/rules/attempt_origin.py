from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Option, Side
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import (
    function_of,
    literal,
    nodes,
    terminal,
    words_of,
)
from metaflow_orchestrator_kit.validate.walking import walk

FLAG = "--retry-count"
_FIX = "Subtract 1: Metaflow counts attempts from 0."
#: Counters that are 1 at the first attempt, by all the identifiers that lead to them.
_FROM_ONE = (
    frozenset(["AWS_BATCH_JOB_ATTEMPT"]),
    frozenset(["try_number"]),
    frozenset(["run_count"]),
    frozenset(["info", "attempt"]),
)
_SUBTRACTED = regex(r"-\s*1\b")


class AttemptCountedFromOne(Rule):
    """`--retry-count` is taken from a counter that starts at 1, as it stands.

    Metaflow counts attempts from 0. AWS_BATCH_JOB_ATTEMPT, Airflow's `try_number`, Temporal's
    `info().attempt` and Prefect's `run_count` are 1 at the first: the user's code then runs once
    less than it should, and the last attempt is taken for the fallback of `@catch`. Subtract 1.
    """

    code = "MOK451"
    name = "attempt-counted-from-one"
    clauses = ("H1",)
    severity = Severity.ERROR

    VALID = (
        Example("in shell", compiler("""\
        def command(node):
            step = f"step {node} --run-id r --task-id t"
            return f"python flow.py {step} --retry-count $((AWS_BATCH_JOB_ATTEMPT-1))"
        """)),
        Example("through a variable", compiler("""\
        from temporalio import activity
        def command(node):
            retry = activity.info().attempt - 1
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            return cmd + ["--retry-count", str(retry)]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("of Batch", compiler("""\
        def command(node):
            step = f"step {node} --run-id r --task-id t"
            return f"python flow.py {step} --retry-count $AWS_BATCH_JOB_ATTEMPT"  # <-- here
        """)),
        Example("of Temporal", compiler("""\
        from temporalio import activity
        def command(node):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            return cmd + ["--retry-count", str(activity.info().attempt)]  # <-- here
        """)),
        Example("of Prefect, in a generated program", compiler("""\
        SOURCE = '''
        import prefect, subprocess
        def step(node, retry_count):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r"]
            subprocess.run(cmd + ["--task-id", "t", "--retry-count", str(retry_count)])
        def task(node):
            step(node, retry_count=prefect.runtime.task_run.run_count)  # <-- here
        '''
        """)),
        Example("a loop of one's own", compiler("""\
        def run(node, retries):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            for retry_count in range(1, retries + 2):  # <-- here
                start(cmd + ["--retry-count", str(retry_count)])
        """)),
        Example("of Airflow, in a template", compiler("""\
        COUNT = "{{ task_instance.try_number }}"
        def command(node):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            return cmd + ["--retry-count", COUNT]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("`--retry-count` is not taken from a counter that is known")
        for commands in by_place(analysis, "step").values():
            for option in (o for c in commands for o in c.options(FLAG, Side.COMMAND)):
                counter = _counter(option)
                if counter is None:
                    continue
                shown = _shown(counter)
                if _SUBTRACTED.search(option.text or "") or _subtracts(analysis, counter):
                    verdict.ok(option.origin, f"1 is subtracted from {shown}")
                    continue
                verdict.fail(
                    option.origin,
                    f"`{FLAG}` is {shown}, which is 1 at the first attempt",
                    _FIX,
                    confidence=Confidence.HIGH if len(counter) == 1 else Confidence.MEDIUM,
                )
        for place in _loops_from_one(analysis) if analysis.of_kind("step") else ():
            text = "the loop over attempts counts from 1, and so does `--retry-count`"
            verdict.fail(place, text, "Count from 0: `range(retries + 1)`.")
        told = bool(verdict.findings)
        for place, counter in _handed_on(analysis) if analysis.of_kind("step") else ():
            # What is seen in a command itself is told there.
            if not told and not _subtracts(analysis, counter):
                message = f"`retry_count` is {_shown(counter)}, which is 1 at the first attempt"
                verdict.fail(place, message, _FIX, confidence=Confidence.MEDIUM)


def _loops_from_one(analysis: Analysis) -> Iterator[Origin]:
    """``for retry_count in range(1, n)``, where nobody takes the 1 off again."""
    for program in programs(analysis):
        for loop in program.nodes(ast.For):
            match loop:
                case ast.For(
                    target=ast.Name(id="retry_count" as name),
                    iter=ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=1), _, *_]),
                ):
                    pass
                case _:
                    continue
            module = program.module or analysis.module(program.path)
            if module is None or not re.search(rf"\b{name}\s*-\s*1\b", module.source):
                yield program.place(loop)


def _shown(counter: frozenset[str]) -> str:
    return ".".join(sorted(counter, reverse=True))


def _handed_on(analysis: Analysis) -> Iterator[tuple[Origin, frozenset[str]]]:
    """Where such a counter is given, as it stands, to something else's ``retry_count``."""
    for module, node in nodes(analysis, ast.keyword, ast.Assign):
        match node:
            case ast.keyword(arg="retry_count", value=value):
                pass
            case ast.Assign(targets=[ast.Name(id="retry_count")], value=value):
                pass
            case _:
                continue
        counter = next((c for c in _FROM_ONE if c <= words_of(value)), None)
        if counter and not any(isinstance(n, ast.BinOp) for n in walk(value)):
            yield analysis.place(module, value), counter


def _counter(option: Option) -> frozenset[str] | None:
    names = frozenset(re.findall(r"\w+", option.text or ""))
    for value in option.values:
        names |= frozenset(getattr(value, "names", frozenset()))
        names |= frozenset(re.findall(r"\w+", getattr(value, "skeleton", str)()))
    return next((c for c in _FROM_ONE if c <= names), None)


def _subtracts(analysis: Analysis, counter: frozenset[str]) -> bool:
    """Whether 1 is taken from the counter, or from a variable that it was given to, anywhere."""
    for _, node in nodes(analysis, ast.BinOp):
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub):
            continue
        if literal(node.right) != 1:
            continue
        if counter <= words_of(node.left):
            return True
        function = function_of(analysis, node)
        name = terminal(node.left)
        made = walk(function) if function is not None else iter(())
        assigned = [m for m in made if isinstance(m, ast.Assign) and counter <= words_of(m.value)]
        if name in {terminal(t) for m in assigned for t in m.targets}:
            return True
    return False
