from __future__ import annotations

from metaflow_orchestrator_kit.validate import env
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command, Presence, Side
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import (
    by_place,
    describe_unknown,
    nothing_launched,
)
from metaflow_orchestrator_kit.validate.rules.examples import compiler

HOOK = "get_top_level_options"
_FIX = (
    "Merge `deco.get_top_level_options()` of every flow decorator into the options before the "
    "sub-command, for init as well as for step."
)


class BranchNotForwarded(Rule):
    """A command lacks the top-level options of the flow's decorators, such as --branch.

    `@project` adds `--branch` and `--production`, other flow decorators may add more. A task
    started without them computes another branch: it runs as `user.<worker>`, reads another
    namespace, and the run carries another tag than its tasks. The options stand before the
    sub-command, of `init` and of every `step`.
    """

    code = "MOK005"
    name = "branch-not-forwarded"
    clauses = ("D8", "E9", "J4")
    severity = Severity.ERROR

    VALID = (
        Example("the decorators' own options", compiler("""\
        from metaflow.decorators import flow_decorators
        from metaflow.util import dict_to_cli_options

        def command(flow, node):
            top = {}
            for deco in flow_decorators(flow):
                top.update(deco.get_top_level_options())
            top = ["python", "flow.py", *dict_to_cli_options(top), "--quiet"]
            return top + ["step", node, "--run-id", "r", "--task-id", "t"]
        """)),
        Example("--branch when there is a project", compiler("""\
        def command(node, branch):
            cmd = ["python", "flow.py", "--quiet"]
            if branch:
                cmd += ["--branch", branch]
            return cmd + ["step", node, "--run-id", "r", "--task-id", "t"]
        """)),
        Example("by a variable of the environment", compiler("""\
        def command(node, branch):
            env = {"METAFLOW_FLOW_BRANCH": branch}
            cmd = ["python", "flow.py", "--quiet"]
            return cmd + ["step", node, "--run-id", "r", "--task-id", "t"], env
        """)),
    )  # fmt: skip
    INVALID = (
        Example("not at all", compiler("""\
        def command(node):
            # --branch is not needed here
            cmd = ["python", "flow.py", "--quiet"]
            return cmd + ["step", node, "--run-id", "r"]  # <-- here
        """)),
        Example("after the sub-command", compiler("""\
        def command(node, branch):
            cmd = ["python", "flow.py", "--quiet"]
            tail = ["--run-id", "r", "--branch", branch]  # <-- here
            return cmd + ["step", node] + tail
        """)),
        Example("on step but not on init", compiler("""\
        def commands(node, branch):
            base = ["python", "flow.py", "--quiet"]
            init = base + ["init", "--run-id", "r", "--task-id", "p"]  # <-- here
            return init, base + ["--branch", branch, "step", node, "--run-id", "r"]
        """)),
        Example("in generated code", compiler('''\
        TEMPLATE = """
        import subprocess
        def run(node):
            subprocess.run([
                "python", "flow.py", "--quiet",
                "step", node, "--run-id", "r",  # <-- here
            ])
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        by_env = [w for w in analysis.environment if env.matches(w, "METAFLOW_FLOW_BRANCH")]
        for commands in by_place(analysis, "step", "init").values():
            for command in commands:
                self._judge(command, verdict, bool(by_env))

    def _judge(self, command: Command, verdict: Judge, by_env: bool) -> None:
        forwarded = command.mentions(HOOK, Side.TOP)
        branch = command.options("--branch", Side.TOP)
        wrong = command.options("--branch", Side.COMMAND)
        if wrong:
            verdict.fail(
                wrong[0].origin,
                f"`--branch` comes after `{command.kind}`, which has no such option",
                _FIX,
            )
        elif forwarded is not None:
            text = f"`{command.kind}` gets the options of {HOOK}()"
            verdict.ok(forwarded.origin, text)
        elif branch:
            verdict.ok(branch[0].origin, f"`{command.kind}` gets `--branch`")
        elif by_env:
            verdict.ok(command.origin, "METAFLOW_FLOW_BRANCH is set for the tasks")
        elif command.presence("--branch", Side.TOP) is Presence.UNKNOWN:
            verdict.unsure(command.origin, describe_unknown(command, Side.TOP))
        else:
            verdict.fail(
                command.origin,
                f"`{command.kind}` is started without the flow decorators' options "
                "(`--branch`, `--production`)",
                _FIX,
            )
