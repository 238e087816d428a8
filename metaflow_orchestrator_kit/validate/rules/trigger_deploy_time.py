from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, names_used, source
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.features import handling, read_attributes
from metaflow_orchestrator_kit.validate.walking import walk

_HOOK = "format_deploytime_value"
_FIX = f"Call `deco.{_HOOK}()` on the decorator before its `triggers` are read."


class TriggerNotEvaluated(Rule):
    """The events of @trigger are read before they are evaluated.

    An event name, its parameters or the whole list may be a function that runs at deploy time,
    and names may get the namespace of the project. Until `format_deploytime_value()` was called
    `deco.triggers` holds objects instead of names: such a trigger is dropped, or compiled into
    an event that nobody sends.
    """

    code = "MOK515"
    name = "trigger-not-evaluated"
    clauses = ("K3",)
    severity = Severity.ERROR

    VALID = (
        Example("evaluated first", compiler("""\
        def events(flow):
            found = flow._flow_decorators.get("trigger")
            if not found:
                return []
            found[0].format_deploytime_value()
            return [t["name"] for t in found[0].triggers]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("read as it is", compiler("""\
        def events(flow):
            found = flow._flow_decorators.get("trigger")
            return [t["name"] for t in found[0].triggers] if found else []  # <-- here
        """)),
        Example("of the other one", compiler("""\
        def events(flow):
            decos = {deco.name: deco for deco in flow_decorators(flow)}
            if "trigger" in decos:
                return decos["trigger"].triggers  # <-- here
            decos["trigger_on_finish"].format_deploytime_value()
            return decos["trigger_on_finish"].triggers
        """)),
        Example("with getattr, odd ones left out", compiler("""\
        def events(flow):
            found = flow._flow_decorators.get("trigger")
            raw = getattr(found[0], "triggers", None) or []  # <-- here
            return [t["name"] for t in raw if isinstance(t.get("name"), str)]
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        functions = {id(f) for _, _, f in handling(analysis, "trigger")}
        functions |= {id(f) for _, _, f in handling(analysis, "trigger_on_finish")}
        reads = [
            (program, node)
            for program, node in read_attributes(analysis, "triggers")
            if id(program.function(node)) in functions
        ]
        if not reads:
            verdict.not_applicable("the triggers of a flow are not read")
            return
        for reader, read in reads:
            if _for_another_only(reader, read):
                text = f"`{_HOOK}` is called for another decorator, not for this one"
                verdict.fail(reader.place(read), text, _FIX)
                return
        program, node = reads[0]
        if _HOOK in names_used(analysis):
            verdict.ok(program.place(node), f"`{_HOOK}()` is called")
            return
        verdict.fail(program.place(node), f"`triggers` is read and `{_HOOK}` never called", _FIX)


def _for_another_only(program: Program, node: ast.expr) -> bool:
    """Whether the function evaluates decorators under other keys of a mapping, and not this one."""
    function = program.function(node)
    owner = node.value if isinstance(node, ast.Attribute) else None
    if function is None or not isinstance(owner, ast.Subscript):
        return False
    evaluated = [
        n.value for n in walk(function) if isinstance(n, ast.Attribute) and n.attr == _HOOK
    ]
    return (
        bool(evaluated)
        and all(isinstance(e, ast.Subscript) for e in evaluated)
        and source(owner) not in {source(e) for e in evaluated}
    )
