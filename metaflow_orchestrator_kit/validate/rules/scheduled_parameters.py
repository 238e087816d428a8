from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.features import handling, strings_in
from metaflow_orchestrator_kit.validate.walking import walk

_WORDS = {"required", "is_required", "default"}
_FIX = (
    "At create, when the flow has a schedule or a trigger, raise an error for each parameter "
    "that is required and has no default."
)


class ScheduledParameters(Rule):
    """A flow with a schedule is deployed although a required parameter has no value.

    Nobody is there to give it when the schedule fires: every scheduled run fails in `init`, the
    first one perhaps days after the deployment. Refuse such a flow at create.
    """

    code = "MOK514"
    name = "scheduled-parameter-unset"
    clauses = ("K2",)
    severity = Severity.WARNING

    VALID = (
        Example("checked", compiler("""\
        def parameters(flow):
            scheduled = bool(flow._flow_decorators.get("schedule"))
            for _, parameter in flow._get_parameters():
                if scheduled and parameter.kwargs.get("required"):
                    raise ValueError("%s needs a default" % parameter.name)
            return scheduled
        """)),
        Example("every parameter needs a default", compiler("""\
        def cron(flow):
            return flow._flow_decorators.get("schedule")

        def check(flow):
            for _, parameter in flow._get_parameters():
                if "default" not in parameter.kwargs:
                    raise ValueError("%s needs a default" % parameter.name)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("nobody looks", compiler("""\
        def compile_flow(flow):
            schedule = flow._flow_decorators.get("schedule")  # <-- here
            names = [p.name for _, p in flow._get_parameters()]
            return {"cron": schedule[0].schedule if schedule else None, "parameters": names}
        """)),
        Example("the default is used when there is one", compiler("""\
        def compile_flow(flow):
            values = {p.name: p.kwargs.get("default") for _, p in flow._get_parameters()}
            return values, flow._flow_decorators.get("schedule")  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = handling(analysis, "schedule")
        if not found:
            verdict.not_applicable("@schedule is not looked at")
            return
        parameters = False
        for program in programs(analysis):
            for function in program.nodes(ast.FunctionDef, ast.AsyncFunctionDef):
                words = strings_in(function)
                parameters |= "_get_parameters" in words
                checks = any(
                    isinstance(n, ast.If)
                    and _WORDS & strings_in(n.test)
                    and any(isinstance(r, ast.Raise) for r in walk(n))
                    for n in walk(function)
                )
                if checks:
                    place = program.place(function)
                    verdict.ok(place, "a parameter without a value is refused")
                    return
        program, node, _ = found[0]
        if not parameters:
            verdict.unsure(
                program.place(node), "no code that reads the flow's parameters was found"
            )
            return
        text = "a required parameter without default is not refused when there is a schedule"
        verdict.fail(program.place(node), text, _FIX, confidence=Confidence.MEDIUM)
