from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Side
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.attached import never_attached
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place, nothing_launched
from metaflow_orchestrator_kit.validate.rules.examples import COMPILER, CONFIG, compiler
from metaflow_orchestrator_kit.validate.rules.syntax import mentions

DESCRIPTIONS = "STEP_DECORATORS_DESC"


class InternalDecoratorMissing(Rule):
    """The extension attaches no step decorator of its own to the tasks.

    A decorator that is attached with `--with=<type>_internal` registers the scheduler's ids with
    the task, and hands the fan-out width and the chosen branch out of a task that succeeded.
    Without one nothing leads from a task to its execution, and the datastore is read from outside.
    """

    code = "MOK315"
    name = "internal-decorator-missing"
    clauses = ("F19",)
    severity = Severity.ADVICE

    VALID = (
        Example("attached", compiler("""\
        def command(node):
            top = ["python", "flow.py", "--with=acme_internal"]
            return top + ["step", node, "--run-id", "r", "--task-id", "t"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("registered only", {
            CONFIG: 'STEP_DECORATORS_DESC = [\n'
            '    ("acme_internal", ".acme.acme_decorator.AcmeInternal"),  # <-- here\n]\n',
            COMPILER: 'SKIPPED = {"acme_internal", "retry"}\n'
            "def command(node, backend):\n"
            '    top = ["python", "flow.py", *backend]\n'
            '    return top + ["step", node, "--run-id", "r", "--task-id", "t"]\n',
        }),
        Example("none", compiler("""\
        def command(node):
            top = ["python", "flow.py", "--quiet"]
            return top + ["step", node, "--run-id", "r", "--task-id", "t"]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        for commands in by_place(analysis, "step").values():
            for option in (o for c in commands for o in c.options("--with", Side.TOP)):
                if "internal" in (option.text or ""):
                    verdict.ok(option.origin, "a decorator of its own is attached")
                    return
        place = next(iter(by_place(analysis, "step")))
        unattached = never_attached(analysis)
        if unattached is not None:
            where, name = unattached
            verdict.fail(
                where,
                f"`{name}` is registered, and no command attaches it",
                f"Pass `--with={name}` in front of `step`.",
                severity=Severity.ERROR,
            )
            return
        if mentions(analysis, DESCRIPTIONS):
            verdict.unsure(place, f"there is {DESCRIPTIONS}, but it is not seen to be attached")
            return
        verdict.fail(
            place,
            "no step decorator of the extension's own is attached to the tasks",
            f"Register one in {DESCRIPTIONS} and attach it with `--with=<type>_internal`.",
        )
