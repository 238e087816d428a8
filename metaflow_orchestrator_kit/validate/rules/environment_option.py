from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command, Side
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Text
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import (
    by_place,
    judge_option,
    nothing_launched,
)
from metaflow_orchestrator_kit.validate.rules.examples import compiler

FLAG = "--environment"
_FIX = f"Pass `{FLAG}` with obj.environment.TYPE, before the sub-command of init and of step."


class EnvironmentNotForwarded(Rule):
    """A command is started without `--environment`, or with one that is written down.

    The environment is chosen when the flow is deployed (`--environment conda`). A task that is
    not told uses its own default: `@conda` and `@pypi` steps import the worker's packages, and
    flows with `@conda_base` refuse to start. Take the type from `obj.environment` at create.
    """

    code = "MOK008"
    name = "environment-not-forwarded"
    clauses = ("M4", "D10")
    severity = Severity.ERROR

    VALID = (
        Example("on init and step", compiler("""\
        def commands(obj, node):
            top = ["python", "flow.py"] + ["--environment", obj.environment.TYPE]
            init = [*top, "init", "--run-id", "r", "--task-id", "p"]
            return init, [*top, "step", node, "--run-id", "r"]
        """)),
        Example("in a helper of another module", {
            **compiler("""\
            from .acme_options import top_level
            def command(obj, node):
                cmd = ["python", "flow.py"]
                cmd.extend(top_level(obj))
                cmd += ["step", node, "--run-id", "r"]
                return cmd
            """),
            "metaflow_extensions/acme/plugins/acme/acme_options.py":
                'def top_level(obj):\n    return [f"--environment={obj.environment.TYPE}"]\n',
        }),
    )  # fmt: skip
    INVALID = (
        Example("missing on init", compiler("""\
        def commands(obj, node):
            top = ["python", "flow.py"]
            init = top + ["init", "--run-id", "r", "--task-id", "p"]  # <-- here
            top += ["--environment", obj.environment.TYPE]
            return init, top + ["step", node, "--run-id", "r"]
        """)),
        Example("after the sub-command", compiler("""\
        def command(obj, node):
            tail = " --environment=%s" % obj.environment.TYPE  # <-- here
            return f"python flow.py step {node} --run-id r" + tail
        """)),
        Example("written down", compiler("""\
        def command(node):
            return ["python", "flow.py", "--environment=local",  # <-- here
                    "step", node, "--run-id", "r"]
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        for commands in by_place(analysis, "step", "init").values():
            for command in commands:
                self._judge(command, verdict)

    def _judge(self, command: Command, verdict: Judge) -> None:
        fixed = [o for o in command.options(FLAG, Side.TOP) if _written_down(o.text, o.values)]
        if fixed:
            verdict.fail(
                fixed[0].origin,
                f"`{command.kind}` always gets `{FLAG} {fixed[0].text}`, "
                "whatever the flow was deployed with",
                _FIX,
            )
            return
        judge_option(
            command, FLAG, verdict, message=f"`{command.kind}` is started without `{FLAG}`",
            help=_FIX,
        )  # fmt: skip


def _written_down(text: str | None, values: tuple[object, ...]) -> bool:
    if not text or "\0" in text or any(mark in text for mark in ("{", "$", "%", "<")):
        return False
    return all(isinstance(v, Text) and v.literal() is not None for v in values)
