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
from metaflow_orchestrator_kit.validate.walking import walk


class ParameterNamedByAttribute(Rule):
    """Parameters are kept under the flow's attribute instead of `param.name`.

    In `my_p = Parameter("my-p")` the option of `init` is `--my-p`. Keyed by the attribute it
    becomes `--my_p`: "no such option", or the value that trigger was given is never found and the
    default is used. Use `param.name`.
    """

    code = "MOK209"
    name = "parameter-named-by-attribute"
    clauses = ("D6",)
    severity = Severity.ERROR

    VALID = (
        Example("its name", compiler("""\
        def parameters(flow):
            found = {}
            for attribute, param in flow._get_parameters():
                found[param.name] = getattr(flow, attribute)
            return found
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the attribute", compiler("""\
        def parameters(flow):
            found = {}
            for var, param in flow._get_parameters():
                found[var] = {"help": param.kwargs.get("help")}  # <-- here
            return found
        """)),
        Example("in an option", compiler("""\
        def options(flow, values):
            cmd = []
            for var, param in flow._get_parameters():
                cmd.append("--%s=%s" % (var, values[param]))  # <-- here
            return cmd
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no parameters are collected")
        for loop in parameter_loops(analysis):
            use = None if _by_name(loop) else _use(loop)
            if use is None:
                verdict.ok(loop.place, "parameters are kept under their names")
                continue
            place = loop.place._replace(
                line=loop.place.line + use.lineno - getattr(loop.node, "lineno", use.lineno)
            )
            verdict.fail(
                place,
                f"parameters are kept under the flow's attribute (`{loop.attribute}`)",
                f"Use `{loop.parameter}.name`: init's option has that name.",
            )


def _by_name(loop: ParameterLoop) -> bool:
    return any(
        isinstance(n, ast.Attribute)
        and n.attr == "name"
        and isinstance(n.value, ast.Name)
        and n.value.id == loop.parameter
        for n in walk(loop.node)
    )


def _use(loop: ParameterLoop) -> ast.expr | None:
    """Where the attribute is a key or part of an option."""
    for node in walk(loop.node):
        match node:
            case ast.Subscript(slice=ast.Name(id=name), ctx=ast.Store()) if name == loop.attribute:
                return node
            case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str(text)), right=right):
                if text.startswith("--") and _mentions(right, loop.attribute):
                    return node
            case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
                if text.startswith("--") and _mentions(node, loop.attribute):
                    return node
            case ast.DictComp(key=ast.Name(id=name)) if name == loop.attribute:
                return node
            case _:
                pass
    return None


def _mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in walk(node))
