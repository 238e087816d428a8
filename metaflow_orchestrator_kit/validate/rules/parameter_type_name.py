from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import walk

_TELLS = {"isinstance", "hasattr", "JSONType", "JSONTypeClass", "ParamType"}
_DICTS = {"kwargs", "_kwargs"}


class ParameterTypeName(Rule):
    """The type of a parameter is asked for its `__name__`.

    `Parameter(type=JSONType)` and `IncludeFile` have objects for types, not classes: they have no
    `__name__`. A flow with such a parameter cannot be deployed, with an AttributeError that names
    neither the parameter nor the flow.

    Ask whether it is a class first, and take `type(kind).__name__` or `kind.name` otherwise.
    """

    code = "MOK223"
    name = "parameter-type-without-name"
    clauses = ("D6", "B11")
    severity = Severity.ERROR

    VALID = (
        Example("asked first", compiler("""\
        def kind_of(param):
            kind = param.kwargs.get("type", str)
            return kind.__name__ if isinstance(kind, type) else kind.name
        """)),
    )  # fmt: skip
    INVALID = (
        Example("of every parameter", compiler("""\
        def kind_of(param):
            kind = param.kwargs.get("type", str)
            return kind.__name__  # <-- here
        """)),
        Example("in one expression", compiler("""\
        def kind_of(param):
            return param.kwargs["type"].__name__ if "type" in param.kwargs else "str"  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for node in program.nodes(ast.Attribute):
                if node.attr != "__name__" or not _is_type(program, node.value):
                    continue
                if _tells(program, node):
                    verdict.ok(program.place(node), "types that are no classes are told apart")
                    continue
                text = "the type of a parameter may be an object, which has no `__name__`"
                fix = "Ask `isinstance(kind, type)` first, and use `kind.name` for the others."
                verdict.fail(program.place(node), text, fix)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no parameter's type is asked for its name")


def _is_type(program: Program, node: ast.expr) -> bool:
    """``param.kwargs["type"]``, ``param.kwargs.get("type", ...)``, or a name for it."""
    match node:
        case ast.Subscript(value=holder, slice=key):
            return terminal(holder) in _DICTS and literal(key) == "type"
        case ast.Call(func=ast.Attribute(value=holder, attr="get"), args=[key, *_]):
            return terminal(holder) in _DICTS and literal(key) == "type"
        case ast.Name(id=name):
            function = program.function(node)
            return function is not None and any(
                isinstance(n, ast.Assign)
                and any(isinstance(t, ast.Name) and t.id == name for t in n.targets)
                and not isinstance(n.value, ast.Name)
                and _is_type(program, n.value)
                for n in walk(function)
            )
        case ast.BoolOp(values=[first, *_]):
            return _is_type(program, first)
        case _:
            return False


def _tells(program: Program, node: ast.expr) -> bool:
    function = program.function(node)
    if function is None or any(isinstance(o, ast.Try) for o in program.parents(node)):
        return True
    return any(
        (isinstance(n, ast.Name) and n.id in _TELLS)
        or (isinstance(n, ast.Attribute) and n.attr in _TELLS)
        for n in walk(function)
    )
