from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.step_calls import (
    StepCall,
    launchers,
    step_calls,
)
from metaflow_orchestrator_kit.validate.rules.syntax import words_of

#: What every step of a run needs, whatever its place in the graph.
_OF_EVERY_STEP = regex(
    r"retry_count|attempt|max_user_code_retries|max_retries|tags?|namespace|branch|"
    r"(?:extra_|step_)?env(?:iron|ironment|_vars)?|metadata|datastore(?:_root)?|"
    r"decorators|decospecs|with_(?:decorators|decospecs)|user(?:name)?|production(?:_token)?"
)
_FIX = "Pass it here too, or give the parameter no default."


class SiblingArguments(Rule):
    """One of several calls that launch a step leaves out what the others pass.

    A function builds and runs the command, and is called for linear steps, for the body of a
    foreach, for joins, often from pieces of a program that is written out. An argument that was
    added to the calls later is missing in one of them, and its default is used: attempt 0 for
    every attempt, no tags, no namespace. Only flows of that shape notice.
    """

    code = "MOK975"
    name = "sibling-lacks-argument"
    clauses = ("H1", "F1", "D9")
    severity = Severity.WARNING

    VALID = (
        Example("the same arguments", compiler("""\
        def launch(name, run_id, inputs, retry_count=0):
            cmd = ["python", "flow.py", "step", name, "--run-id", run_id]
            return cmd + ["--input-paths", inputs, "--retry-count", str(retry_count)]

        def linear(node, run, attempt):
            return launch(node.name, run, "start", retry_count=attempt)

        def join(node, run, attempt, inputs):
            return launch(node.name, run, inputs, attempt)
        """)),
        Example("what only some steps need", compiler("""\
        def launch(name, run_id, inputs, attempt, split_index=None):
            cmd = ["python", "flow.py", "step", name, "--run-id", run_id]
            cmd += ["--input-paths", inputs, "--retry-count", str(attempt)]
            return cmd if split_index is None else [*cmd, "--split-index", str(split_index)]

        def linear(node, run, attempt):
            return launch(node.name, run, "start", attempt)

        def body(node, run, attempt, index):
            return launch(node.name, run, "start", attempt, split_index=index)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a join", compiler("""\
        def launch(name, run_id, inputs, retry_count=0):
            cmd = ["python", "flow.py", "step", name, "--run-id", run_id]
            return cmd + ["--input-paths", inputs, "--retry-count", str(retry_count)]

        def linear(node, run, attempt):
            return launch(node.name, run, "start", retry_count=attempt)

        def join(node, run, inputs):
            return launch(node.name, run, inputs)  # <-- here
        """)),
        Example("a call that is written out", compiler('''\
        HEAD = """
        def launch(name, run_id, inputs, tags=()):
            cmd = ["python", "flow.py", "step", name, "--run-id", run_id]
            cmd += ["--input-paths", inputs, *tags]
            return cmd
        """

        def linear(node):
            return f"""
        def op_{node.name}(run):
            return launch("{node.name}", run, "start", tags={node.tags})
        """

        def join(node):
            return f"""
        def op_{node.name}(run, inputs):
            return launch("{node.name}", run, inputs)  # <-- here
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no function that launches a step is called several times")
        for name, launcher in launchers(analysis).items():
            found = list(step_calls(analysis, name, launcher))
            for call in found:
                verdict.ok(call.program.place(call.node), f"what {name}() is given was seen")
            for parameter in sorted(launcher.optional):
                if not _OF_EVERY_STEP.fullmatch(parameter):
                    continue
                if not any(parameter in call.given for call in found):
                    continue
                for call in found:
                    if parameter in call.given or _is_meant(call, parameter):
                        continue
                    verdict.fail(
                        call.program.place(call.node),
                        f"{name}() gets no `{parameter}` here, which other calls pass",
                        _FIX,
                        confidence=Confidence.MEDIUM,
                    )


def _is_meant(call: StepCall, parameter: str) -> bool:
    """Whether the call stands where the argument was asked for, or refused."""
    return any(
        isinstance(outer, ast.ExceptHandler)
        or (isinstance(outer, ast.If) and parameter in words_of(outer.test))
        for outer in call.program.parents(call.node)
    )
