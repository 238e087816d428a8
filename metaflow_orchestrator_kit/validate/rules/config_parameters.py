from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.parameter_loops import parameter_loops, words_for

MARK = "IS_CONFIG_PARAMETER"


class ConfigTakenForParameter(Rule):
    """`flow._get_parameters()` is read without leaving the configs out.

    It yields configs too. Taken for a parameter, a config becomes an input of the scheduler and an
    option that `init` does not have ("no such option"), or its default ends the deployment with
    an error. Skip what has `IS_CONFIG_PARAMETER`.
    """

    code = "MOK207"
    name = "config-taken-for-parameter"
    clauses = ("D6", "E7")
    severity = Severity.ERROR

    VALID = (
        Example("skipped", compiler("""\
        def parameters(flow):
            found = {}
            for _, param in flow._get_parameters():
                if getattr(param, "IS_CONFIG_PARAMETER", False):
                    continue
                found[param.name] = param.kwargs.get("help")
            return found
        """)),
    )  # fmt: skip
    INVALID = (
        Example("not skipped", compiler("""\
        def parameters(flow):
            found = {}
            for _, param in flow._get_parameters():  # <-- here
                found[param.name] = param.kwargs.get("help")
            return found
        """)),
        Example("in a comprehension", compiler("""\
        def names(self):
            return [param.name for _, param in self.flow._get_parameters()]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no parameters are collected")
        loops = list(parameter_loops(analysis))
        for loop in loops:
            if MARK in words_for(analysis, loop, loops) or "Config" in loop.words:
                verdict.ok(loop.place, "configs are told from parameters")
                continue
            verdict.fail(
                loop.place,
                "configs are taken for parameters",
                f"Skip a parameter whose {MARK} is true.",
            )
