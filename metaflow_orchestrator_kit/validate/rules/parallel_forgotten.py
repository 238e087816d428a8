from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.node_types import tells_types_apart
from metaflow_orchestrator_kit.validate.rules.syntax import index

_WORDS = frozenset(
    ["parallel_foreach", "parallel_step", "num_parallel", "ubf_context", "UBF_CONTEXT",
     "is_parallel", "ubf_control", "ubf_task", "parallel_decorator", "UBF_CONTROL"]
)  # fmt: skip


class ParallelForgotten(Rule):
    """Foreach is handled, but `@parallel` is neither run nor refused.

    `self.next(..., num_parallel=n)` makes a node of the type `foreach`, too. Without a look at
    `parallel_foreach` it is fanned out as a plain one: its tasks have no list to iterate, or
    each thinks it is alone. Launch a control task with `--ubf-context`, or refuse it at create.
    """

    code = "MOK314"
    name = "parallel-forgotten"
    clauses = ("F17", "C10")
    severity = Severity.ERROR

    VALID = (
        Example("refused", compiler("""\
        def visit(node):
            if node.parallel_foreach:
                raise ValueError("@parallel is not supported")
            return fan_out(node) if node.type in ("foreach", "split") else node.name
        """)),
    )  # fmt: skip
    INVALID = (
        Example("not known", compiler("""\
        def visit(node):
            if node.type in ("foreach", "split-switch"):  # <-- here
                return fan_out(node)
            return node.name
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        place = tells_types_apart(analysis)
        if place is None:
            verdict.not_applicable("the types of nodes are not told apart")
            return
        known = index(analysis).words
        if known & _WORDS or "parallel" in known:
            verdict.ok(place, "@parallel is known")
            return
        verdict.fail(
            place,
            "`@parallel` (a foreach with `parallel_foreach`) is neither run nor refused",
            "Refuse it at create with 'not supported', or launch it with `--ubf-context`.",
        )
