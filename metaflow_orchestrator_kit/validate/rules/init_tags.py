from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command, Presence, Side
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place, describe_unknown
from metaflow_orchestrator_kit.validate.rules.examples import compiler


class TagOnlyOnSteps(Rule):
    """Steps get `--tag`, `init` does not.

    A run takes its tags when it is registered, and `init` registers it: tags that only the steps
    have are lost, so `Flow.runs("mytag")` finds nothing. Pass every tag to `init` as well.
    """

    code = "MOK257"
    name = "tag-only-on-steps"
    clauses = ("E8",)
    severity = Severity.ERROR

    VALID = (
        Example("both", compiler("""\
        def commands(node, tags):
            tags = ["--tag=%s" % tag for tag in tags]
            init = ["python", "flow.py", "init", "--run-id", "r", "--task-id", "p", *tags]
            return init, ["python", "flow.py", "step", node, "--run-id", "r", *tags]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("only the step", compiler("""\
        def commands(node, tags):
            init = ["python", "flow.py", "init", "--run-id", "r", "--task-id", "p"]  # <-- here
            step = ["python", "flow.py", "step", node, "--run-id", "r"]
            for tag in tags:
                step += ["--tag", tag]
            return init, step
        """)),
        Example("only the step, beside the parameters", compiler("""\
        def commands(node, run, tags):
            values = [f"--{name}={value}" for name, value in run.parameters.items()]
            top = ["python", "flow.py"]
            init = [*top, "init", "--run-id", "r", "--task-id", "p", *values]  # <-- here
            return init, [*top, "step", node, "--run-id", "r", *["--tag=%s" % t for t in tags]]
        """)),
        Example("only the step, in shell", compiler("""\
        def script(node, tag):
            init = "python flow.py init --run-id r --task-id p"  # <-- here
            return init + f" && python flow.py step {node} --run-id r --tag {tag}"
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        tagged = [c for c in analysis.of_kind("step") if c.options("--tag", Side.COMMAND)]
        places = by_place(analysis, "init")
        if not tagged or not places:
            verdict.not_applicable("no tags are given to steps, or no `init` was found")
            return
        for place, commands in places.items():
            presences = {c.presence("--tag", Side.COMMAND) for c in commands}
            sure = Confidence.MEDIUM if Presence.UNKNOWN in presences else Confidence.HIGH
            # Options beside it that could not be followed take nothing from one that is seen.
            if any(c.options("--tag", Side.COMMAND) for c in commands):
                verdict.ok(place, "`init` gets the tags")
            elif Presence.UNKNOWN in presences and not all(map(_parameters_only, commands)):
                verdict.unsure(place, describe_unknown(commands[0], Side.COMMAND))
            else:
                verdict.fail(
                    place,
                    "`init` gets no `--tag`, though steps do",
                    "Pass the same tags to `init`: a run has the tags it was registered with.",
                    confidence=sure,
                )


def _parameters_only(command: Command) -> bool:
    """Whether nothing but the values of parameters could not be followed."""
    hidden = command.unknown(Side.COMMAND)
    names = {name for token in hidden for name in token.names}
    return all(t.text.startswith("--\0") for t in hidden) and any("param" in n for n in names)
