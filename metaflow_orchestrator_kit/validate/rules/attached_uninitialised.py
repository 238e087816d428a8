from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import calls, function_of
from metaflow_orchestrator_kit.validate.walking import walk

_ATTACH = "_attach_decorators"
_INIT = "_init_step_decorators"
_LATE = "_process_late_attached_decorator"


class AttachedUninitialised(Rule):
    """Decorators are attached to the steps, and never initialised.

    Metaflow has initialised the decorators of the flow before a command runs. One that
    `_attach_decorators` adds afterwards has seen no `step_init`: it has no environment, no
    datastore, no image and none of its attributes worked out, and it has checked nothing.

    Call `_process_late_attached_decorator` after attaching, and read `flow._graph` again.
    """

    code = "MOK997"
    name = "attached-not-initialised"
    clauses = ("D1",)
    severity = Severity.ERROR

    VALID = (
        Example("initialised", compiler("""\
        from metaflow import decorators

        def make(obj, names):
            decorators._attach_decorators(obj.flow, names)
            decorators._init(obj.flow)
            decorators._init_step_decorators(
                obj.flow, obj.graph, obj.environment, obj.flow_datastore, obj.logger)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("attached only", compiler("""\
        from metaflow import decorators

        def make(obj, names):
            decorators._attach_decorators(obj.flow, names)  # <-- here
            obj.package = pack(obj.flow)
        """)),
        Example("before, not after", compiler("""\
        from metaflow.decorators import _attach_decorators, _init_step_decorators

        def make(obj, names):
            _init_step_decorators(obj.flow, obj.graph, obj.environment, obj.datastore, obj.logger)
            _attach_decorators(obj.flow, names)  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no decorator is attached to the steps here")
        inits = list(calls(analysis, _INIT, _LATE))
        for module, call in calls(analysis, _ATTACH):
            place = analysis.place(module, call)
            function = function_of(analysis, call)
            if any(m is module and _follows(analysis, function, call, i) for m, i in inits):
                verdict.ok(place, "they are initialised")
            elif _left_to_caller(analysis, function, call):
                verdict.ok(place, "whoever calls this has to initialise them")
            else:
                verdict.fail(
                    place,
                    "what is attached here is not initialised afterwards",
                    f"Call decorators.{_LATE}() after it.",
                )


def _follows(analysis: Analysis, function: ast.AST | None, call: ast.Call, init: ast.Call) -> bool:
    """Whether *init* comes after *call*, in its function or in another one of the module."""
    return function_of(analysis, init) is not function or init.lineno > call.lineno


def _left_to_caller(analysis: Analysis, function: ast.AST | None, call: ast.Call) -> bool:
    """Whether attaching is the last that a function does: what follows is its caller's."""
    body = getattr(function, "body", [])
    initialises = any(
        function_of(analysis, i) is function for _, i in calls(analysis, _INIT, _LATE)
    )
    return bool(body) and not initialises and any(n is call for n in walk(body[-1]))
