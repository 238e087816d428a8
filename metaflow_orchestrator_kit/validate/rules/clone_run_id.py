from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Side
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.features import mentions

_FIX = (
    "For a task that succeeded in the origin run pass `--clone-only <origin pathspec>` as well; "
    "run the others without it."
)


class CloneRunId(Rule):
    """Resume gives steps `--clone-run-id` and expects that they are skipped.

    The option only notes the origin run. The user's code runs again in every step, with all its
    side effects, while the user was told that finished work is reused. What clones a finished
    task is `--clone-only`.
    """

    code = "MOK541"
    name = "clone-run-id-taken-for-resume"
    clauses = ("N2", "N3")
    severity = Severity.ERROR

    VALID = (
        Example("finished tasks are cloned", compiler("""\
        def step(node, flow, origin, done):
            cmd = ["python", flow, "--quiet", "step", node, "--run-id", "r", "--task-id", "t"]
            if origin:
                cmd += ["--clone-run-id", origin]
            if done:
                cmd += ["--clone-only", done]
            return cmd
        """)),
    )  # fmt: skip
    INVALID = (
        Example("only the origin run", compiler("""\
        def step(node, flow, origin):
            cmd = ["python", flow, "--quiet", "step", node, "--run-id", "r", "--task-id", "t"]
            if origin:
                cmd += ["--clone-run-id", origin]  # <-- here
            return cmd
        """)),
        Example("in a shell line", compiler('''\
        SCRIPT = """
        python flow.py --quiet step $STEP --run-id r --task-id t --clone-run-id $ORIGIN  # <-- here
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        options = [
            option
            for command in analysis.of_kind("step")
            for option in command.options("--clone-run-id", Side.COMMAND)
        ]
        clones = [
            option
            for command in analysis.of_kind("step")
            for option in command.options("--clone-only", Side.COMMAND)
        ]
        if clones or (options and mentions(analysis, r"clone[-_]only")):
            verdict.ok((clones or options)[0].origin, "finished tasks are cloned")
        elif options:
            text = "`--clone-run-id` alone skips nothing: the step's code runs again"
            verdict.fail(options[0].origin, text, _FIX)
        else:
            verdict.not_applicable("no step is given `--clone-run-id`")
