from __future__ import annotations

import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Option, Side
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Text, options_of
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

_HOLE = regex(r"\{\{.*?\}\}|\$\{[^}]*\}|\$\(.*?\)|\$\w+|\0|[\"']", re.S)
_LOOKED_UP = regex(r"_parameters/([^,/:\s]+)$")
_FIX = "Make the id in one place, and use it for `init`, `dump` and the first step's input."


class ParametersLookupId(Rule):
    """The first step looks for the parameters under another id than `init` writes them.

    `init --task-id P` stores them as `<run>/_parameters/P`. A step with another id in its input
    path finds nothing, and every run fails at its first step.
    """

    code = "MOK304"
    name = "parameters-under-another-id"
    clauses = ("E3", "F3")
    severity = Severity.ERROR

    VALID = (
        Example("the same", compiler("""\
        def commands(run):
            init = ["python", "flow.py", "init", "--run-id", run, "--task-id", "params-1"]
            step = ["python", "flow.py", "step", "start", "--run-id", run, "--task-id", "t-1"]
            return init, step + ["--input-paths", f"{run}/_parameters/params-1"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("another", compiler("""\
        def commands(run):
            init = ["python", "flow.py", "init", "--run-id", run, "--task-id", f"{run}-params"]
            step = ["python", "flow.py", "step", "start", "--run-id", run, "--task-id", "t-1"]
            return init, step + ["--input-paths", f"{run}/_parameters/params"]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        written = {
            text
            for command in analysis.of_kind("init")
            for option in command.options("--task-id", Side.COMMAND)
            for text in _texts(option)
        }
        verdict.not_applicable("`init` or the input of the first step is not written out")
        for command in analysis.of_kind("step"):
            for option in command.options("--input-paths", Side.COMMAND):
                for text in _texts(option):
                    found = _LOOKED_UP.search(text)
                    if found is None or not written:
                        continue
                    if any(_may_be(found[1], other) for other in written):
                        verdict.ok(option.origin, "the id of the parameters is that of `init`")
                    else:
                        shown = found[1].replace("\0", "…")
                        what = f"the parameters are looked for as `{shown}`, `init` writes others"
                        verdict.fail(option.origin, what, _FIX)


def _texts(option: Option) -> list[str]:
    """The value, ``\\0`` for each part that is filled in; neighbouring ones are one."""
    texts = [option.text or ""]
    for value in option.values:
        texts += [v.skeleton() for _, v in options_of(value) if isinstance(v, Text)]
    texts = [t for t in texts if t.strip("\0")] or texts[:1]
    return [re.sub("\0+", "\0", _HOLE.sub("\0", t.strip("\"'"))) for t in texts]


def _may_be(left: str, right: str) -> bool:
    """Whether two texts with unknown parts can be the same."""
    if "\0" not in left:
        return _matches(right, left)
    if "\0" not in right:
        return _matches(left, right)
    ends = (left.partition("\0")[0], right.partition("\0")[0])
    tails = (left.rpartition("\0")[2], right.rpartition("\0")[2])
    heads_fit = ends[0].startswith(ends[1]) or ends[1].startswith(ends[0])
    return heads_fit and (tails[0].endswith(tails[1]) or tails[1].endswith(tails[0]))


def _matches(pattern: str, text: str) -> bool:
    return bool(re.fullmatch(".+".join(map(re.escape, pattern.split("\0"))), text))
