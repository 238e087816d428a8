from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command, Presence, Side
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place, describe_unknown
from metaflow_orchestrator_kit.validate.rules.examples import compiler

_REQUIRED = ("--run-id", "--task-id")


class IdMissing(Rule):
    """`init` or `step` is started without `--run-id` or `--task-id`.

    Both commands require both, and end with "Missing option" otherwise. The task id of `init` is
    that of the task `_parameters`, whose path is the input of the entry step.
    """

    code = "MOK252"
    name = "id-missing"
    clauses = ("E2", "F1")
    severity = Severity.ERROR

    VALID = (
        Example("both", compiler("""\
        def commands(run, node, task):
            init = ["python", "flow.py", "init", "--run-id", run, "--task-id", "start-params"]
            return init, ["python", "flow.py", "step", node, f"--run-id={run}", "--task-id", task]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("init without a task id", compiler("""\
        def command(run):
            return ["python", "flow.py", "--quiet", "init", "--run-id", run]  # <-- here
        """)),
        Example("step without a task id", compiler("""\
        def command(run, node):
            tail = f"--run-id {run} --retry-count 0"
            return f"python flow.py step {node} " + tail  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        places = by_place(analysis, "init", "step")
        if not places:
            verdict.not_applicable("no command that launches `init` or `step` was found")
        for commands in places.values():
            best = max(commands, key=lambda c: len(c.side(Side.COMMAND)))
            self._judge(best, verdict)

    def _judge(self, command: Command, verdict: Judge) -> None:
        for flag in _REQUIRED:
            match command.presence(flag, Side.COMMAND):
                case Presence.ABSENT:
                    verdict.fail(
                        command.origin,
                        f"`{command.kind}` is started without `{flag}`",
                        f"Pass `{flag}` after `{command.kind}`; it is required.",
                    )
                case Presence.UNKNOWN:
                    verdict.unsure(command.origin, describe_unknown(command, Side.COMMAND))
                case _:
                    verdict.ok(command.origin, f"`{command.kind}` has `{flag}`")
