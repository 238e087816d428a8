from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.parameter_loops import (
    ParameterLoop,
    parameter_loops,
)
from metaflow_orchestrator_kit.validate.rules.per_place import kept_for_each
from metaflow_orchestrator_kit.validate.rules.syntax import (
    above,
    calls,
    function_of,
    literal,
    nodes,
    terminal,
    words_of,
)
from metaflow_orchestrator_kit.validate.walking import walk

_EVALUATE = frozenset(["deploy_time_eval", "DeployTimeField"])


def _evaluates(code: ast.AST) -> bool:
    return not words_of(code).isdisjoint(_EVALUATE)


def _reads_default(analysis: Analysis, loop: ParameterLoop) -> bool:
    """Whether the default is read in the loop, or by a function that is told to read it."""
    if "default" not in loop.words:
        return False
    if "kwargs" in loop.words:
        return True
    asked = {
        terminal(node.func)
        for node in walk(loop.node)
        if isinstance(node, ast.Call) and any(literal(a) == "default" for a in node.args[1:])
    }
    return any(
        getattr(function, "name", "") in asked and "kwargs" in words_of(function)
        for _, function in nodes(analysis, ast.FunctionDef)
    )


class DefaultNotEvaluated(Rule):
    """A parameter's default is read, but not evaluated for the deployment.

    A default may be a function of the deployment's context, or an `IncludeFile`. It has to be
    worked out by `deploy_time_eval` at create: called without its context it fails,
    passed over it is None in every run, and as text it is the name of a function.
    """

    code = "MOK208"
    name = "default-not-evaluated"
    clauses = ("D6",)
    severity = Severity.ERROR

    VALID = (
        Example("evaluated", compiler("""\
        from metaflow.parameters import deploy_time_eval
        def defaults(flow):
            found = {}
            for _, param in flow._get_parameters():
                if not param.IS_CONFIG_PARAMETER:
                    found[param.name] = deploy_time_eval(param.kwargs.get("default"))
            return found
        """)),
    )  # fmt: skip
    INVALID = (
        Example("as it stands", compiler("""\
        def defaults(flow):
            found = {}
            for _, param in flow._get_parameters():  # <-- here
                if not param.IS_CONFIG_PARAMETER:
                    found[param.name] = param.kwargs.get("default")
            return found
        """)),
        Example("in a helper", compiler("""\
        def defaults(flow):
            found = {}
            for _, param in flow._get_parameters():
                if not param.IS_CONFIG_PARAMETER:
                    found[param.name] = described(param)
            return found

        def described(param):
            return {"type": "str", "default": param.kwargs.get("default")}  # <-- here
        """)),
        Example("passed over", compiler("""\
        def defaults(flow):
            found = {}
            for _, param in flow._get_parameters():  # <-- here
                default = param.kwargs["default"]
                found[param.name] = None if callable(default) else default
            return found
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no parameter's default is read")
        loops = list(parameter_loops(analysis))
        evaluated = kept_for_each(analysis, [loop.node for loop in loops], _evaluates)
        for loop, is_evaluated in zip(loops, evaluated, strict=True):
            if not _reads_default(analysis, loop):
                self._in_helper(analysis, loop, verdict)
                continue
            if loop.function_words & _EVALUATE:
                verdict.ok(loop.place, "defaults are evaluated")
            elif is_evaluated:
                verdict.unsure(loop.place, "defaults are evaluated, but not seen to be here")
            else:
                verdict.fail(
                    loop.place,
                    "the parameters' defaults are not evaluated by deploy_time_eval()",
                    'Pass `deploy_time_eval(param.kwargs.get("default"))` at create.',
                )

    def _in_helper(self, analysis: Analysis, loop: ParameterLoop, verdict: Judge) -> None:
        """Look at the function that the loop gives each parameter to."""
        if loop.function_words & _EVALUATE:
            return
        for module, read in calls(analysis, "get"):
            holder = read.func.value if isinstance(read.func, ast.Attribute) else None
            if terminal(holder) != "kwargs" or literal(next(iter(read.args), None)) != "default":
                continue
            function = function_of(analysis, read)
            name = getattr(function, "name", "")
            if function is None or name not in loop.words or words_of(function) & _EVALUATE:
                continue
            if isinstance(next(iter(above(analysis, read)), None), ast.Compare):
                continue
            verdict.fail(
                analysis.place(module, read),
                "the parameters' defaults are not evaluated by deploy_time_eval()",
                'Pass `deploy_time_eval(param.kwargs.get("default"))` at create.',
            )
            return
