from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import called, programs, source
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import walk

_CHANGES = {"update", "setdefault", "pop", "clear", "popitem"}


class EnvironmentMutated(Rule):
    """The variables of `@environment` are changed in the decorator itself.

    `deco.attributes["vars"]` is the dictionary that the decorator keeps. What is written into it
    stays: `make_decorator_spec()` then sends it along, tokens included, and steps that share the
    decorator, or a second compilation in the same process, start from what the first one left.

    Copy it first: `dict(deco.attributes["vars"])`.
    """

    code = "MOK988"
    name = "decorator-environment-changed"
    clauses = ("G8",)
    severity = Severity.ERROR

    VALID = (
        Example("a copy", compiler("""\
        def env(deco, run):
            env = dict(deco.attributes["vars"])
            env["METAFLOW_RUN_ID"] = run
            return env
        """)),
        Example("only read", compiler("""\
        def env(deco, base):
            values = deco.attributes["vars"]
            base.update(values)
            return base
        """)),
    )  # fmt: skip
    INVALID = (
        Example("set", compiler("""\
        def env(deco, run):
            env = {}
            if deco:
                env = deco.attributes["vars"]  # <-- here
            env["METAFLOW_RUN_ID"] = run
            return env
        """)),
        Example("updated", compiler("""\
        def env(step, extra):
            values = step.decorators[0].attributes.get("vars", {})  # <-- here
            values.update(extra)
            return values
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("the variables of a decorator are not kept under a name")
        for program in programs(analysis):
            for node in program.nodes(ast.Assign):
                match node:
                    case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_vars(value):
                        pass
                    case ast.Assign(value=value) if any(map(_is_vars, _copied(value))):
                        verdict.ok(program.place(node), "the decorator's variables are copied")
                        continue
                    case _:
                        continue
                function = program.function(node)
                if function is not None and _changed(function, name, node):
                    verdict.fail(
                        program.place(node),
                        f"`{name}` is the decorator's own dictionary, and is changed below",
                        f"Copy it: `dict({source(value)})`.",
                    )
                else:
                    verdict.ok(program.place(node), "the decorator's variables are only read")


def _copied(value: ast.expr) -> list[ast.expr]:
    """What ``dict(x)``, ``x.copy()`` or ``{**x}`` copies."""
    match value:
        case ast.Call(func=ast.Name(id="dict"), args=[inner, *_]):
            return [inner]
        case ast.Call(func=ast.Attribute(attr="copy" | "deepcopy", value=inner), args=args):
            return [inner, *args]
        case ast.Dict(values=values):
            return values
        case _:
            return []


def _is_vars(value: ast.expr) -> bool:
    """``x.attributes["vars"]`` or ``x.attributes.get("vars", {})``, or else something else."""
    match value:
        case ast.IfExp(body=body, orelse=other):
            return _is_vars(body) or _is_vars(other)
        case ast.BoolOp(op=ast.Or(), values=[first, *_]):
            return _is_vars(first)
        case ast.Subscript(value=ast.Attribute(attr="attributes"), slice=key):
            return literal(key) == "vars"
        case ast.Call(
            func=ast.Attribute(attr="get", value=ast.Attribute(attr="attributes")), args=[key, *_]
        ):
            return literal(key) == "vars"
        case _:
            return False


def _changed(function: ast.AST, name: str, since: ast.Assign) -> bool:
    """Whether the dictionary of that name is changed after it was taken, and before a copy is."""
    later = sorted(
        (n for n in walk(function) if getattr(n, "lineno", 0) > since.lineno),
        key=lambda n: getattr(n, "lineno", 0),
    )
    for node in later:
        match node:
            case ast.Assign(targets=[ast.Name(id=target)]) if target == name:
                return False
            case ast.Subscript(value=ast.Name(id=target), ctx=ast.Store() | ast.Del()):
                if target == name:
                    return True
            case ast.Call(func=ast.Attribute(value=held)) if called(node) in _CHANGES:
                if terminal(held) == name and isinstance(held, ast.Name):
                    return True
            case _:
                pass
    return False
