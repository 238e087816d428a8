from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.assigned import made_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import words_of

_EVENT = regex(r"^metaflow\.\0\.(?:end|\0)$")
_PROJECT = regex(r"project|branch|qualified|full_name|fq_name")
_FIX = (
    "Qualify the flow in both places: `current.project_flow_name` where it is published, project "
    "and branch of the entry (or the flow's own) where it is awaited."
)


class FinishEventName(Rule):
    """The event of a finished flow has a name without the flow's project and branch.

    It is `metaflow.<project>.<branch>.<flow>.end` for a flow with `@project`. Published without
    them, nobody who waits for such a flow hears of it, and flows of that name in other projects
    do; awaited without them, it never comes. The last step's own name is no substitute for `end`
    either: who waits does not know what that step is called.
    """

    code = "MOK986"
    name = "finish-event-misnamed"
    clauses = ("K4",)
    severity = Severity.ERROR

    VALID = (
        Example("qualified where it is awaited", compiler("""\
        def awaited(project, branch, event):
            return "metaflow.%s.end" % ".".join(v for v in (project, branch, event["flow"]) if v)
        """)),
        Example("both names where it is published", compiler("""\
        def published(current, flow, graph, step_name):
            name = current.get("project_flow_name", flow.name)
            yield f"metaflow.{name}.{step_name}"
            if step_name == graph.end_step:
                yield f"metaflow.{name}.end"
        """)),
    )  # fmt: skip
    INVALID = (
        Example("awaited by the flow alone", compiler("""\
        def awaited(event):
            return "metaflow.%s.end" % event["flow"]  # <-- here
        """)),
        Example("published by the flow alone", compiler("""\
        def published(flow, step_name):
            yield "metaflow.%s.%s" % (flow.name, step_name)  # <-- here
            yield "metaflow." + "end"
        def other(current):
            return "metaflow.%s.end" % current.project_flow_name
        """)),
        Example("only by the step's name", compiler("""\
        def published(current, step_name):
            name = current.project_flow_name
            return f"metaflow.{name}.{step_name}"  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no event of a finished flow is named")
        for program in programs(analysis):
            if program.module and "metaflow." not in program.module.source:
                continue
            named = list(_events(program))
            for node, text, holes in named:
                place = program.place(node)
                words = set[str]().union(
                    *(words_of(m) for hole in holes for m in made_of(program, hole))
                )
                if not any(_PROJECT.search(word) for word in words):
                    verdict.fail(
                        place,
                        "the event of a finished flow is named without project and branch",
                        _FIX,
                        confidence=Confidence.MEDIUM,
                    )
                elif not text.endswith(".end") and not any(t.endswith(".end") for _, t, _ in named):
                    verdict.fail(
                        place,
                        "a finished flow is announced by the name of its last step, never as `end`",
                        "Publish `metaflow.<flow>.end` as well, whatever the last step is called.",
                        confidence=Confidence.MEDIUM,
                    )
                else:
                    verdict.ok(place, "project and branch belong to the event's name")


def _events(program: Program) -> Iterator[tuple[ast.expr, str, list[ast.expr]]]:
    """Texts like ``metaflow.<flow>.end``, and what is put into them."""
    for node in program.nodes(ast.BinOp):
        match node:
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right):
                filled = re.sub(r"%s", "\0", text)
                holes = right.elts if isinstance(right, ast.Tuple) else [right]
                if _EVENT.search(filled):
                    yield node, filled, holes
            case _:
                pass
    for joined in program.nodes(ast.JoinedStr):
        filled = "".join(
            str(v.value) if isinstance(v, ast.Constant) else "\0" for v in joined.values
        )
        if _EVENT.search(filled):
            yield joined, filled, [v for v in joined.values if isinstance(v, ast.FormattedValue)]
