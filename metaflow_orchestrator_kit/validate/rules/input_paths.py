from __future__ import annotations

from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command, Presence, Side, Token
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import (
    by_place,
    describe_unknown,
    nothing_launched,
)
from metaflow_orchestrator_kit.validate.rules.examples import compiler

_FLAGS = ("--input-paths", "--input-paths-filename")


class InputPathsMissing(Rule):
    """A step is started without `--input-paths`.

    Every step has an input, the entry step too: its input is the task `_parameters` that `init`
    made. Without it the step dies of an internal error. Pass `<run>/_parameters/<task>` to the
    entry step and `<run>/<step>/<task>` of the parents to the others.
    """

    code = "MOK305"
    name = "input-paths-missing"
    clauses = ("F3",)
    severity = Severity.ERROR

    VALID = (
        Example("a path", compiler("""\
        def command(node, parent):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            return cmd + ["--input-paths", "r/%s" % parent]
        """)),
        Example("a file", compiler("""\
        def command(node):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            return cmd + ["--input-paths-filename", "/tmp/paths"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("none", compiler("""\
        def command(node):
            cmd = ["python", "flow.py", "step", node]  # <-- here
            return cmd + ["--run-id", "r", "--task-id", "t"]
        """)),
        Example("only for a join", compiler("""\
        def begun(node):
            return f"python flow.py --quiet step {node}"
        def join(node, inputs):
            ids = "--run-id r --task-id t --retry-count $TRY"
            return begun(node) + f" {ids} --input-paths {inputs}"
        def plain(node):
            return begun(node) + " --run-id r --task-id t --retry-count $TRY"  # <-- here
        """)),
        Example("an empty one", compiler("""\
        def command(node):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
            return cmd + ["--input-paths", ""]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        for commands in by_place(analysis, "step").values():
            given = [o for c in commands for f in _FLAGS for o in c.options(f, Side.COMMAND)]
            full = [o for o in given if o.text or o.values]
            if full:
                verdict.ok(full[0].origin, "`step` gets its inputs")
                for token in _without(commands):
                    text = "here `step` gets no `--input-paths`, which it gets elsewhere"
                    verdict.fail(token.origin, text, _fix())
            elif given:
                verdict.fail(given[0].origin, f"`{given[0].flag}` is empty", _fix())
            else:
                self._missing(commands, verdict)

    def _missing(self, commands: list[Command], verdict: Judge) -> None:
        first = commands[0]
        presences = {c.presence(_FLAGS[0], Side.COMMAND) for c in commands}
        if Presence.UNKNOWN in presences:
            verdict.unsure(first.origin, describe_unknown(first, Side.COMMAND))
            return
        verdict.fail(first.origin, "`step` is started without `--input-paths`", _fix())


def _without(commands: list[Command]) -> Iterator[Token]:
    """The task ids of finished commands that begin alike and are given no inputs."""
    for command in commands:
        after = command.side(Side.COMMAND)
        task = next((t for t in after if t.flag == "--task-id"), None)
        begun = any(t.flag == "--retry-count" for t in after)
        absent = all(command.presence(f, Side.COMMAND) is Presence.ABSENT for f in _FLAGS)
        if task is not None and begun and absent and command.side(Side.TOP):
            yield task


def _fix() -> str:
    return (
        "Pass --input-paths <run>/_parameters/<task> to the entry step, and the paths of the "
        "parents to the others."
    )
