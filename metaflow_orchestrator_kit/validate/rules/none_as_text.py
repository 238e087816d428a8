from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Side
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.parameter_options import (
    asks,
    filtered,
    is_option,
    loops,
    pair,
    reads_texts,
    takes_out_none,
)

_FIX = "Leave out parameters whose value is None: `init` then takes their default."


class NoneAsText(Rule):
    """A parameter without a value is passed to `init` as the word "None".

    `str(None)` is a text like any other. A flow then gets "None" where nobody gave a value, or
    fails on a parameter that is a number. Leave the option out.
    """

    code = "MOK259"
    name = "none-passed-as-text"
    clauses = ("E6",)
    severity = Severity.ERROR

    VALID = (
        Example("left out", compiler("""\
        def init(flow, run_id, params):
            cmd = ["python", flow, "init", "--run-id", run_id, "--task-id", "p"]
            for name, value in params.items():
                if value is not None:
                    cmd += ["--" + name, str(value)]
            return cmd
        """)),
        Example("from texts", compiler("""\
        def parse(run_params):
            return dict(text.split("=", 1) for text in run_params)

        def init(flow, run_id, params):
            cmd = ["python", flow, "init", "--run-id", run_id, "--task-id", "p"]
            for name, value in params.items():
                cmd += ["--" + name, str(value)]
            return cmd
        """)),
    )  # fmt: skip
    INVALID = (
        Example("an option of the step", compiler("""\
        def command(node, index=None):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            cmd.append("--split-index=%s" % index)  # <-- here
            return cmd
        def entry():
            return command("start", None)
        """)),
        Example("every value", compiler("""\
        def init(flow, run_id, params):
            cmd = ["python", flow, "init", "--run-id", run_id, "--task-id", "p"]
            for name, value in params.items():
                cmd += ["--" + name, str(value)]  # <-- here
            return cmd
        """)),
        Example("in one word", compiler("""\
        def init(flow, run_id, values):
            cmd = ["python", flow, "init", "--run-id", run_id, "--task-id", "p"]
            return cmd + [f"--{name}={value}" for name, value in values.items()]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no parameters are seen to become options")
        _judge_words(analysis, verdict)
        elsewhere = any(map(takes_out_none, programs(analysis)))
        texts = any(map(reads_texts, programs(analysis)))
        for program in programs(analysis):
            for iterated, target, body, guarded in loops(program):
                names = pair(iterated, target)
                if names is None:
                    continue
                guarded = guarded or filtered(program, iterated)
                for node in body:
                    if not is_option(node, *names):
                        continue
                    place = program.place(node)
                    if elsewhere and not guarded:
                        verdict.unsure(place, "values that are None may be taken out elsewhere")
                    elif texts:
                        verdict.ok(place, "the values come from `name=value` texts, never None")
                    elif guarded or asks(body, names[1]):
                        verdict.ok(place, "parameters without a value are left out")
                    else:
                        text = f"`{names[1]}` may be None, and is passed as the word None"
                        verdict.fail(place, text, _FIX, confidence=Confidence.MEDIUM)
                    break


def _judge_words(analysis: Analysis, verdict: Judge) -> None:
    """Options of a command that were given a value that is None, made text."""
    for command in analysis.of_kind("init", "step"):
        for flag in {t.flag for t in command.side(Side.COMMAND) if t.flag}:
            for option in command.options(flag, Side.COMMAND):
                if option.text == "None":
                    text = f"`{flag}` of `{command.kind}` is given None, as the word None"
                    verdict.fail(option.origin, text, "Leave the option out when it is None.")
