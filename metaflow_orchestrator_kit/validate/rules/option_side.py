from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command, Token
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import at_flag, nothing_launched
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.options import (
    DUMP,
    FLOW_DECORATORS,
    JUDGED_ELSEWHERE,
    STEP,
    TOP_LEVEL,
    belongs_after,
    options_after,
    options_before,
    plain,
    respelt,
    spelling,
)

_NOT_OF_THE_FLOW = STEP - {"--help", "--retry-count"}
_KNOWN = {"step": STEP, "dump": DUMP}


class OptionOnTheWrongSide(Rule):
    """An option stands on the wrong side of `step`, or `step` has no such option.

    Options of the flow (`--with`, `--metadata`, ...) come before the sub-command, options of the
    task (`--run-id`, `--tag`, `--namespace`, ...) after it. Click refuses the rest with "no such
    option", so every run in which the option is given dies at its first command. Often only
    one feature does: a namespace, a tag, a decorator given with `--with`.
    """

    code = "MOK301"
    name = "option-on-wrong-side"
    clauses = ("F1",)
    severity = Severity.ERROR

    VALID = (
        Example("each on its side", compiler("""\
        def command(node, namespace, tags):
            cmd = ["python", "flow.py", "--quiet", "--with", "retry"]
            cmd += ["step", node, "--run-id", "r", "--task-id", "t"]
            cmd += ["--namespace=%s" % namespace]
            for tag in tags:
                cmd += ["--tag", tag]
            return cmd
        """)),
        Example("the options of what launches it", compiler("""\
        def command(node):
            pod = ["kubectl", "--namespace", "jobs", "exec", "pod", "--"]
            return pod + ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
        """)),
        Example("a group with a step command of its own", compiler("""\
        def command(node):
            top = ["python", "flow.py", "--quiet", "kubernetes", "step", node, "url"]
            return top + ["--run-id", "r", "--task-id", "t", "--image", "i"]
        def plain(node):
            return ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("--with after step", compiler("""\
        def command(node, specs):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r"]
            for spec in specs:
                cmd.append("--with=%s" % spec)  # <-- here
            return cmd
        """)),
        Example("--namespace before it", compiler("""\
        def command(node, namespace):
            top = ["python", "flow.py", "--quiet"]
            if namespace:
                top += ["--namespace", namespace]  # <-- here
            return top + ["step", node, "--run-id", "r", "--task-id", "t"]
        """)),
        Example("an option that nothing has", compiler("""\
        def command(node, url):
            step = f"step {node} --run-id r --code-package-url {url}"  # <-- here
            return "python flow.py --quiet " + step
        """)),
        Example("an underscore for a hyphen", compiler("""\
        def command(node, root):
            top = ["python", "flow.py", "--datastore_root", root]  # <-- here
            return [*top, "step", node, "--run-id", "r", "--task-id", "t"]
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        before: dict[tuple[str, Origin], set[str]] = {}
        for command in plain(analysis, "step", "init", "dump"):
            misplaced = [t for t in options_before(command) if t.flag in _NOT_OF_THE_FLOW]
            misspelt = [t for t in options_before(command) if respelt(t.flag)]
            for token in misspelt:
                _misspelt(analysis, token, verdict)
            for token in misplaced:
                before.setdefault((token.flag or "", token.origin), set()).add(command.kind)
            wrong = self._after(analysis, command, verdict)
            if not wrong and not misplaced and not misspelt:
                verdict.ok(command.origin, f"the options of `{command.kind}` are on their sides")
        for (flag, origin), kinds in before.items():
            named = " and ".join(f"`{k}`" for k in sorted(kinds))
            verdict.fail(
                at_flag(analysis, origin, flag),
                f"`{flag}` stands before {named}, but is no option of the flow",
                belongs_after(flag),
            )

    def _after(self, analysis: Analysis, command: Command, verdict: Judge) -> bool:
        known = _KNOWN.get(command.kind)
        if known is None:
            return False
        unknown = [t for t in options_after(command) if t.flag not in known | JUDGED_ELSEWHERE]
        by_help: dict[str, list[Token]] = {}
        for token in unknown:
            if respelt(token.flag):
                _misspelt(analysis, token, verdict)
                continue
            if token.flag in TOP_LEVEL | FLOW_DECORATORS:
                help = f"Put it before `{command.kind}`: it is an option of the flow."
            else:
                help = f"Leave it out; `{command.kind}` takes {', '.join(sorted(known))}."
            by_help.setdefault(help, []).append(token)
        for help, tokens in by_help.items():
            flags = list(dict.fromkeys(f"`{t.flag}`" for t in tokens))
            named = f"options {', '.join(flags)}" if len(flags) > 1 else f"option {flags[0]}"
            place = at_flag(analysis, tokens[0].origin, tokens[0].flag or "")
            verdict.fail(place, f"`{command.kind}` has no {named}", help)
        return bool(unknown)


def _misspelt(analysis: Analysis, token: Token, verdict: Judge) -> None:
    verdict.fail(
        token.origin,
        f"Metaflow has no option `{token.flag}`",
        f"It is spelt `{respelt(token.flag)}`.",
        fix=spelling(analysis, token),
    )
