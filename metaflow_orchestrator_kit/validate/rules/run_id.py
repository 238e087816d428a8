from __future__ import annotations

import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Option
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Unknown
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.identifiers import (
    CLOCK,
    given,
    is_integer,
    leaves,
    written,
)

FLAG = "--run-id"
_FIX = (
    "Use `<prefix>-<execution id of the scheduler>`; hash an execution id that has other "
    "characters than letters, digits, `-` and `_`."
)
_AIRFLOW = regex(r"\{\{\s*(?:ts|run_id|dag_run\.run_id)\s*\}\}")


class UnusableRunId(Rule):
    """A run's id is a number, or holds a character that separates parts of a path.

    Metaflow takes a run id that is a number for one that its service gave out: the run is never
    registered, though every command ends well. `/`, `,`, `:` and `!` have a meaning in input
    paths, so joins fail with "too many values to unpack". Put a prefix before the scheduler's
    execution id, and hash ids that hold such characters.
    """

    code = "MOK251"
    name = "unusable-run-id"
    clauses = ("E1",)
    severity = Severity.ERROR

    VALID = (
        Example("a prefix and the execution", compiler("""\
        def command(node, execution):
            return ["python", "flow.py", "step", node, "--run-id", f"acme-{execution}"]
        """)),
        Example("a placeholder of the scheduler", compiler("""\
        def command(node):
            run = "acme-{{workflow.name | slug(':')}}"
            return "python flow.py step %s --run-id %s --task-id t" % (node, run)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a clock", compiler("""\
        import time
        def command(node):
            run = str(int(time.time() * 1000))
            return ["python", "flow.py", "step", node, "--run-id", run]  # <-- here
        """)),
        Example("a colon", compiler("""\
        def command(node, execution):
            tail = ["--run-id", f"acme:{execution}"]  # <-- here
            return ["python", "flow.py", "step", node, *tail]
        """)),
        Example("a time with colons in it", compiler("""\
        import datetime
        def command(node):
            run = "acme-" + datetime.datetime.now().isoformat()
            return ["python", "flow.py", "step", node, "--run-id", run]  # <-- here
        """)),
        Example("an id that has them", compiler("""\
        def command(node):
            return f"python flow.py step {node} --run-id {{{{ run_id }}}} --task-id t"  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        places = by_place(analysis, "init", "step")
        options = [o for commands in places.values() for o in given(commands, FLAG)]
        if not options:
            verdict.not_applicable("no run id is passed to `init` or `step`")
        for option in options:
            fault = _fault(option)
            if fault is None:
                verdict.ok(option.origin, "the run id is no number and has no separators")
            else:
                verdict.fail(option.origin, f"the run id {fault}", _FIX)


def _fault(option: Option) -> str | None:
    if is_integer(option):
        return "is a number"
    names = frozenset[str]().union(*(v.names for v in leaves(option) if isinstance(v, Unknown)))
    bad = [c for c in "/,:!" if c in written(option)]
    if bad:
        return f"holds `{bad[0]}`"
    if "isoformat" in names:
        return "holds `:` (from isoformat())"
    if _AIRFLOW.search(option.text or ""):
        return "is Airflow's own, which holds `:` and `+`"
    whole = option.text == "\0" and not re.search(r"[A-Za-z]", written(option))
    if whole and "int" in names and names & CLOCK:
        return "is a number made from the clock"
    return None
