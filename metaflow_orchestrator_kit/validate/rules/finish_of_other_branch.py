from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.features import handling, strings_in
from metaflow_orchestrator_kit.validate.walking import walk

_FIX = (
    "Filter on `project` and `project_branch` of each entry too; what it leaves open is that of "
    "the flow being deployed."
)


class FinishOfOtherBranch(Rule):
    """@trigger_on_finish listens for a flow by its name alone.

    A finished run of the same flow in another project or branch then starts this one: a test
    deployment on somebody's branch feeds production. Project and branch belong to the filter.
    """

    code = "MOK516"
    name = "finish-of-other-branch"
    clauses = ("K4",)
    severity = Severity.ERROR

    VALID = (
        Example("project and branch", compiler("""\
        def upstream(flow, current):
            found = flow._flow_decorators.get("trigger_on_finish")
            if not found:
                return []
            return [
                (t["flow"], t.get("project", current.project), t.get("branch", current.branch))
                for t in found[0].triggers
            ]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("only the flow", compiler("""\
        def upstream(flow):
            found = flow._flow_decorators.get("trigger_on_finish")
            return [t["flow"] for t in found[0].triggers] if found else []  # <-- here
        """)),
        Example("or its full name", compiler("""\
        def upstream(flow):
            found = flow._flow_decorators.get("trigger_on_finish", [])
            for trigger in getattr(found[0], "triggers", None) or []:
                yield trigger.get("flow") or trigger.get("fq_name")  # <-- here
        """)),
        Example("after a look at the attributes of older releases", compiler("""\
        def upstream(flow):
            for deco in flow._flow_decorators.get("trigger_on_finish", []):
                if getattr(deco, "triggers", None) is None:
                    yield deco.attributes.get("flow")
                for entry in deco.triggers or []:
                    yield entry["flow"]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        bare: list[tuple[Origin, ast.AST, bool]] = []
        for program, _node, function in handling(analysis, "trigger_on_finish"):
            keys = [
                n
                for n in walk(function)
                if isinstance(n, ast.Constant) and n.value in ("flow", "fq_name")
            ]
            words = strings_in(function)
            if not keys or not words & {"triggers"}:
                continue
            if any("project" in w or "branch" in w for w in words if len(w) < 60):
                verdict.ok(program.place(function), "project and branch belong to the filter")
                continue
            asked = _of_entries(function, keys)
            bare.append((program.place((asked or keys)[0]), function, bool(asked)))
        if not bare and not verdict.evidence:
            verdict.not_applicable("@trigger_on_finish is not read")
        # Beside one that filters, only what listens is told of: others may check, or print.
        beside = [where for where, f, asked in bare if asked and _listens(f)]
        for where in beside if verdict.evidence else [where for where, _, _ in bare[:1]]:
            text = "the finished flow is known by its name only, not by project and branch"
            verdict.fail(where, text, _FIX, confidence=Confidence.MEDIUM)


def _listens(function: ast.AST) -> bool:
    """Whether the function makes the name of an event of the flows that it reads."""
    return any("metaflow." in text for text in strings_in(function))


def _of_entries(function: ast.AST, keys: list[ast.Constant]) -> list[ast.Constant]:
    """The keys that are asked of an entry of `triggers`, rather than of something else."""
    entries = {
        n.target.id
        for n in walk(function)
        if isinstance(n, ast.For | ast.comprehension) and isinstance(n.target, ast.Name)
    }
    asked = {
        part
        for n in walk(function)
        if isinstance(n, ast.Call | ast.Subscript) and _receiver(n) in entries
        for part in (n.args if isinstance(n, ast.Call) else [n.slice])
    }
    return [key for key in keys if key in asked]


def _receiver(node: ast.Call | ast.Subscript) -> str | None:
    """The name that a value is taken from: of `name.get(key)` or of `name[key]`."""
    value = node.value if isinstance(node, ast.Subscript) else node.func
    if isinstance(node, ast.Call) and isinstance(value, ast.Attribute):
        value = value.value
    return value.id if isinstance(value, ast.Name) else None
