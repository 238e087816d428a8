from __future__ import annotations

import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Option, Side
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import Text, Unknown, options_of
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.identifiers import ATTEMPT, leaves

FLAG = "--input-paths"
_PLACEHOLDER = regex(r"\{\{.*?\}\}|\$\{[^}]*\}|\$\(.*?\)|\{%.*?%\}|\{[^{}]*\}", re.S)
_FIX = "Pass <run>/<step>/<task>, without the flow and without an attempt."


class InputPathWithAttempt(Rule):
    """An input path has more parts than run, step and task.

    An attempt at its end works by chance for up to four inputs, and gives "Expected: 6 Actual: 0"
    for more; the flow's name in front makes every input missing. Pass `<run>/<step>/<task>`,
    separated by commas.
    """

    code = "MOK306"
    name = "input-path-with-attempt"
    clauses = ("F4",)
    severity = Severity.ERROR

    VALID = (
        Example("run, step, task", compiler("""\
        def command(node, run, parent, task):
            cmd = ["python", "flow.py", "step", node, "--run-id", run, "--task-id", "t"]
            return cmd + ["--input-paths", f"{run}/{parent}/{task}"]
        """)),
        Example("several", compiler("""\
        def command(node, tasks):
            step = f"step {node} --run-id r --task-id t"
            return f"python flow.py {step} --input-paths r/a/{tasks[0]},r/b/{tasks[1]}"
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the attempt", compiler("""\
        def command(node, run, parent, task):
            cmd = ["python", "flow.py", "step", node, "--run-id", run, "--task-id", "t"]
            return cmd + ["--input-paths", f"{run}/{parent}/{task}/0"]  # <-- here
        """)),
        Example("the flow", compiler("""\
        def command(flow, node, run, parent):
            paths = "%s/%s/_parameters/%s" % (flow, run, parent)
            step = f"step {node} --run-id r --task-id t"
            return f"python flow.py {step} --input-paths {paths}"  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no input paths are written out")
        for commands in by_place(analysis, "step").values():
            for option in (o for c in commands for o in c.options(FLAG, Side.COMMAND)):
                if _formatted_attempt(option):
                    text = "the number of the attempt is written into an input path"
                    verdict.fail(option.origin, text, _FIX, confidence=Confidence.MEDIUM)
                    continue
                long = next((p for p in _paths(option) if p.count("/") > 2), None)
                if long is None:
                    verdict.ok(option.origin, "no input path has more than three parts")
                    continue
                verdict.fail(
                    option.origin,
                    f"the input path `{long.replace(chr(0), '…')}` has more parts than three",
                    _FIX,
                )


def _formatted_attempt(option: Option) -> bool:
    """Whether an attempt's counter itself is a part of a path, and not of what makes paths."""
    return any(
        isinstance(leaf, Unknown)
        and len(leaf.names) == 1
        and any(map(ATTEMPT.fullmatch, leaf.names))
        for leaf in leaves(option)
    )


def _paths(option: Option) -> list[str]:
    """Every path of the value, as far as it is written out."""
    texts = [option.text or ""]
    for value in option.values:
        texts += [v.skeleton() for _, v in options_of(value) if isinstance(v, Text)]
    plain = (_PLACEHOLDER.sub("\0", text).strip("\"'") for text in texts)
    return [path for text in plain if not text.startswith("!") for path in text.split(",")]
