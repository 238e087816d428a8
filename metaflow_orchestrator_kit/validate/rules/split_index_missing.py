from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Presence, Side
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.node_types import compared_types
from metaflow_orchestrator_kit.validate.rules.syntax import index

FLAG = "--split-index"


class SplitIndexMissing(Rule):
    """Foreach is handled, but no step is started with `--split-index`.

    The tasks right below a foreach each take one item, and the index says which. Without it they
    end with "follows a split step but no split_index is specified". Pass `--split-index i` to the
    direct children of a foreach, from 0.
    """

    code = "MOK308"
    name = "split-index-missing"
    clauses = ("F8",)
    severity = Severity.ERROR

    VALID = (
        Example("for children of a foreach", compiler("""\
        def command(node, parent, index):
            cmd = ["python", "flow.py", "step", node.name, "--run-id", "r", "--task-id", "t"]
            if parent.type == "foreach":
                cmd += ["--split-index", str(index)]
            return cmd
        """)),
    )  # fmt: skip
    INVALID = (
        Example("not passed", compiler("""\
        def command(node, parent, width):
            cmd = ["python", "flow.py", "step", node.name]  # <-- here
            count = width if parent.type == "foreach" else 1
            return [cmd + ["--run-id", "r", "--task-id", f"t{i}"] for i in range(count)]
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        places = by_place(analysis, "step")
        if "foreach" not in compared_types(analysis) or not places:
            verdict.not_applicable("a foreach is not handled, or no step is started")
            return
        commands = [c for found in places.values() for c in found]
        given = [o for c in commands for o in c.options(FLAG, Side.COMMAND)]
        if given:
            verdict.ok(given[0].origin, f"a step has `{FLAG}`")
        elif _named(analysis) or any(
            c.presence(FLAG, Side.COMMAND) is Presence.UNKNOWN for c in commands
        ):
            verdict.unsure(next(iter(places)), f"whether a step has `{FLAG}` could not be followed")
        else:
            verdict.fail(
                next(iter(places)),
                f"no step is started with `{FLAG}`, though a foreach is handled",
                f"Pass `{FLAG} <i>` to the direct children of a foreach.",
            )


def _named(analysis: Analysis) -> bool:
    """Whether the option or its value is named anywhere."""
    return "split_index" in index(analysis).words or any(
        isinstance(node.value, str) and FLAG in node.value for _, node in index(analysis).strings
    )
