from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.options import (
    INIT,
    JUDGED_ELSEWHERE,
    OF_OTHER_COMMANDS,
    STEP,
    TOP_LEVEL,
    options_after,
    plain,
    respelt,
    spelling,
)

_REFUSED = (STEP | TOP_LEVEL | OF_OTHER_COMMANDS) - INIT - JUDGED_ELSEWHERE


class InitHasNoSuchOption(Rule):
    """`init` is given an option that belongs to another command.

    `init` takes `--run-id`, `--task-id`, `--tag` and the flow's own parameters. With
    `--namespace`, `--clone-run-id`, `--with` or an option of `step` it ends with "no such
    option" before the run exists. Resume paths break this way most: pass `--clone-run-id` to
    the steps only, and options of the flow before `init`.
    """

    code = "MOK256"
    name = "init-has-no-such-option"
    clauses = ("E7",)
    severity = Severity.ERROR

    VALID = (
        Example("its own options and the parameters", compiler("""\
        def command(parameters, tags):
            cmd = ["python", "flow.py", "--quiet", "init", "--run-id", "r", "--task-id", "p"]
            cmd += ["--tag=%s" % tag for tag in tags]
            for name, value in parameters.items():
                cmd += ["--%s" % name, value]
            return cmd
        """)),
        Example("another command behind it, in a line that is split", compiler("""\
        import shlex
        def command(step):
            init = "python flow.py --quiet init --run-id r --task-id p"
            task = "python flow.py --quiet --with=acme step %s --run-id r --task-id t" % step
            return shlex.split(" && ".join([init, task]))
        """)),
    )  # fmt: skip
    INVALID = (
        Example("resume", compiler("""\
        def command(origin):
            cmd = ["python", "flow.py", "init", "--run-id", "r", "--task-id", "p"]
            if origin:
                cmd += ["--clone-run-id", origin]  # <-- here
            return cmd
        """)),
        Example("an option of the flow in a shell line", compiler("""\
        def command(flow):
            init = f"python {flow} init --run-id r --task-id p "
            return init + "--metadata local"  # <-- here
        """)),
        Example("of trigger", compiler("""\
        def command(alpha):
            init = ["init", "--run-id", "r", "--task-id", "p"]
            init += ["--run-param", f"alpha={alpha}"]  # <-- here
            return ["python", "flow.py", *init]
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        commands = plain(analysis, "init")
        if not commands:
            verdict.not_applicable("no command that launches `init` was found")
            return
        for command in commands:
            wrong = [t for t in options_after(command) if t.flag in _REFUSED or respelt(t.flag)]
            if not wrong:
                verdict.ok(command.origin, "`init` gets no option of another command")
            for token in wrong:
                help = "Leave it out here; steps and other commands take it."
                if respelt(token.flag):
                    help = f"It is spelt `{respelt(token.flag)}`."
                elif token.flag in TOP_LEVEL:
                    help = "Put it before `init`: it is an option of the flow."
                text, fix = f"`init` has no option `{token.flag}`", spelling(analysis, token)
                verdict.fail(token.origin, text, help, fix=fix)
