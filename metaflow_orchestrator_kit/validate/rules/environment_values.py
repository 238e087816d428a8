from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.assigned import made_of, put_into
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal, words_of
from metaflow_orchestrator_kit.validate.walking import source, walk

_DECORATOR = regex(r"attr|deco", re.I)
_ENVIRONMENT = regex(r"env|vars", re.I)


class EnvironmentValues(Rule):
    """The values of `@environment` are handed on without being made text.

    `@environment(vars={"RETRIES": 3})` is allowed. A scheduler or `subprocess` that is given the
    number refuses it, or the whole deployment fails with an error about types. Use `str(value)`.
    """

    code = "MOK409"
    name = "environment-value-not-text"
    clauses = ("G8",)
    severity = Severity.ERROR

    VALID = (
        Example("as text", compiler("""\
        def pod(node):
            env = {}
            for deco in node.decorators:
                if deco.name == "environment":
                    env.update(deco.attributes["vars"])
            return {"env": [{"name": k, "value": str(v)} for k, v in env.items()]}
        """)),
    )  # fmt: skip
    INVALID = (
        Example("as they are", compiler("""\
        def pod(node):
            env = {}
            for deco in node.decorators:
                if deco.name == "environment":
                    env.update(deco.attributes["vars"])  # <-- here
            return {"env": [{"name": k, "value": v} for k, v in env.items()]}
        """)),
        Example("as Python values", compiler("""\
        def lines(deco):
            variables = deco.attributes["vars"]  # <-- here
            return ["os.environ[%r] = %r" % (k, v) for k, v in variables.items()]
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("the variables of `@environment` are not read")
        reads = [(p, n) for p in programs(analysis) for n in _reads(p)]
        if not reads:
            return
        raw = [(p, n) for p in programs(analysis) if p.module for n in _handed_on(p)]
        text = any(converts(p) for p in programs(analysis) if p.module)
        for program, node in reads:
            place = program.place(node)
            if text and _to_process(program, node):
                verdict.fail(
                    place,
                    "values of `@environment` reach a process as they are, numbers too",
                    "Make each value text: {str(k): str(v) for k, v in vars.items()}.",
                    confidence=Confidence.MEDIUM,
                )
                continue
            if raw and not text:
                verdict.fail(
                    place,
                    "values of `@environment` are handed on as they are, numbers too",
                    "Make each value text: {str(k): str(v) for k, v in vars.items()}.",
                    confidence=Confidence.MEDIUM,
                )
                return
            verdict.ok(place, "values are made text, or it is not seen where they go")


def _reads(program: Program) -> Iterator[ast.expr]:
    """``deco.attributes["vars"]`` and ``deco.attributes.get("vars")``."""
    for node in program.nodes(ast.Subscript):
        if literal(node.slice) == "vars" and _DECORATOR.search(terminal(node.value)):
            yield node
    for call in program.nodes(ast.Call):
        match call:
            case ast.Call(func=ast.Attribute(attr="get", value=owner), args=[key, *_]):
                if literal(key) == "vars" and _DECORATOR.search(terminal(owner)):
                    yield call
            case _:
                pass


def _to_process(program: Program, read: ast.expr) -> bool:
    """Whether the variables are put, as they are, into the environment of a process."""
    function = program.function(read)
    outer = next(program.parents(read), None)
    match outer:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="update")):
            pass
        case _:
            return False
    return function is not None and any(
        isinstance(n, ast.keyword) and n.arg == "env" and terminal(n.value) == name
        for n in walk(function)
    )


def _pairs(program: Program) -> Iterator[tuple[str, ast.AST]]:
    """The name of a value in a loop over an environment, and what is made of it there."""
    for loop in program.nodes(ast.For):
        if name := _value_name(program, loop.target, loop.iter):
            yield name, ast.Module(body=loop.body, type_ignores=[])
    for part in program.nodes(ast.comprehension):
        if name := _value_name(program, part.target, part.iter):
            yield name, next(program.parents(part))


def _value_name(program: Program, target: ast.expr, iterated: ast.expr) -> str:
    match target:
        case ast.Tuple(elts=[_, ast.Name(id=name)]) if ".items()" in source(iterated):
            made = [*made_of(program, iterated), *put_into(program, iterated)]
            about = set().union(*map(words_of, made))
            return name if any(map(_ENVIRONMENT.search, about)) else ""
        case _:
            return ""


def _handed_on(program: Program) -> Iterator[ast.AST]:
    """Where a value is given to something that wants text, without being made text."""
    for name, made in _pairs(program):
        for node in walk(made):
            match node:
                case ast.Dict(keys=keys, values=values):
                    for key, value in zip(keys, values, strict=True):
                        if literal(key) == "value" and terminal(value) == name:
                            yield node
                case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()) if "%r" in text:
                    if name in words_of(node.right) and "str" not in words_of(node.right):
                        yield node
                case ast.FormattedValue(value=ast.Name(id=shown), conversion=114) if shown == name:
                    yield node


def converts(program: Program) -> bool:
    """Whether somewhere a value of an environment is made text."""
    for name, made in _pairs(program):
        for node in walk(made):
            match node:
                case ast.Call(func=func, args=[first, *_]) if terminal(func) in (
                    "str", "quote", "dumps",
                ):  # fmt: skip
                    if name in words_of(first):
                        return True
                case ast.FormattedValue(value=ast.Name(id=shown), conversion=-1 | 115):
                    if shown == name:
                        return True
    return False
