from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.flag_values import flag_values, unwrapped
from metaflow_orchestrator_kit.validate.walking import source

_TEXT = "the run is given as the origin of itself"
_FIX = "Pass the id of the run that is resumed; leave the option out where nothing is resumed."


class OwnRunAsOrigin(Rule):
    """`--clone-run-id` names the run itself.

    The option records which run is resumed. With the new run's own id `current.origin_run_id`
    lies, and what follows the trail of resumed runs goes round in a circle.
    """

    code = "MOK542"
    name = "own-run-as-origin"
    clauses = ("N2", "N3")
    severity = Severity.ERROR

    VALID = (
        Example("the origin", compiler("""\
        def command(run, step, done):
            cmd = ["python", "flow.py", "step", step, "--run-id", run.id, "--task-id", "t"]
            return [*cmd, "--clone-run-id", run.origin, "--clone-only", done]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the run itself", compiler("""\
        def command(run, step, done):
            cmd = ["python", "flow.py", "step", step, "--run-id", run.id, "--task-id", "t"]
            return [*cmd, "--clone-run-id", run.id, "--clone-only", done]  # <-- here
        """)),
        Example("in a line", compiler("""\
        def command(run_id, step):
            ids = f"--run-id {run_id} --task-id t --clone-run-id {run_id}"  # <-- here
            return f"python flow.py step {step} {ids}"
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no step is given `--clone-run-id`")
        runs = {
            (program.path, program.function(value), source(unwrapped(value)))
            for program, value in flag_values(analysis, "--run-id")
        }
        for program, value in flag_values(analysis, "--clone-run-id"):
            same = (program.path, program.function(value), source(unwrapped(value)))
            if same in runs and same[2].isascii() and same[2][:1].isalpha():
                verdict.fail(program.place(value), _TEXT, _FIX)
            else:
                verdict.ok(program.place(value), "the origin is another run")
