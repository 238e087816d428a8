from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import terminal, words_of
from metaflow_orchestrator_kit.validate.walking import walk

_PARAMETERS = regex(r"^(?:\w+_)?(?:param(?:eter)?s?|kwargs)$")
_STRUCTURED = {"dict", "list", "Mapping", "Sequence"}


class JsonAsRepr(Rule):
    """A parameter that is a dictionary or a list becomes text by `str()`, which is not JSON.

    Python writes `{'a': None}` where JSON is `{"a": null}`. The run then fails at its start with
    "not a valid JSON object", or only for the values that look different. Use `json.dumps`.
    """

    code = "MOK260"
    name = "json-written-by-str"
    clauses = ("E6",)
    severity = Severity.ERROR

    VALID = (
        Example("JSON", compiler("""\
        import json

        def text(params):
            return {
                name: json.dumps(value) if isinstance(value, (dict, list)) else str(value)
                for name, value in params.items()
            }
        """)),
        Example("a message", compiler("""\
        def text(params):
            for name, value in params.items():
                if isinstance(value, dict):
                    raise ValueError(name + " cannot be " + str(value))
        """)),
        Example("labels beside parameters", compiler("""\
        import json

        def labels(found):
            return {k: str(v) if isinstance(v, list) else v for k, v in found.items()}

        def text(params):
            return [json.dumps(v) if isinstance(v, list) else str(v) for v in params.values()]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("either, or", compiler("""\
        def text(params):
            return {
                name: str(value) if isinstance(value, (dict, list)) else value  # <-- here
                for name, value in params.items()
            }
        """)),
        Example("a branch of its own", compiler("""\
        def options(kwargs):
            found = []
            for name, value in kwargs.items():
                if isinstance(value, (list, dict)):
                    value = str(value)  # <-- here
                found += ["--" + name, value]
            return found
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no parameter is asked whether it is a dictionary or a list")
        for program in programs(analysis):
            for name, body in _structured(program):
                function = program.function(body[0])
                words = words_of(function) if function is not None else set()
                if not any(map(_PARAMETERS.match, words)):
                    continue
                written = next(_as_text(program, name, body), None)
                if written is None:
                    verdict.ok(program.place(body[0]), "it is not written by str()")
                    continue
                verdict.fail(
                    program.place(written),
                    f"`{name}` is a dictionary or a list here, and Python's text of it is not JSON",
                    f"Write json.dumps({name}).",
                    confidence=Confidence.MEDIUM,
                )


def _structured(program: Program) -> Iterator[tuple[str, list[ast.AST]]]:
    """The variables that are asked for it, and what is done where the answer is yes."""
    for branch in program.nodes(ast.If):
        if name := _asked(branch.test):
            yield name, list(branch.body)
    for choice in program.nodes(ast.IfExp):
        if name := _asked(choice.test):
            yield name, [choice.body]


def _asked(test: ast.expr) -> str:
    """The variable of ``isinstance(variable, (dict, list))``; empty for any other test."""
    match test:
        case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=name), kinds]):
            asked = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
            return name if {terminal(kind) for kind in asked} <= _STRUCTURED else ""
        case _:
            return ""


def _as_text(program: Program, name: str, body: list[ast.AST]) -> Iterator[ast.AST]:
    """Where the variable becomes text by ``str``, as a value and not for a message."""
    for node in (inner for statement in body for inner in walk(statement)):
        match node:
            case ast.Call(func=ast.Name(id="str" | "repr"), args=[ast.Name(id=named)]):
                around = next(program.parents(node), None)
                if named == name and _keeps(around):
                    yield node
            # `f"{value}"` and `"%s" % value` write what str() does.
            case ast.JoinedStr(values=[ast.FormattedValue(value=ast.Name(id=named))]):
                if named == name and _keeps(next(program.parents(node), None)):
                    yield node
            case ast.BinOp(
                left=ast.Constant(value="%s" | "%r"), op=ast.Mod(), right=ast.Name(id=named)
            ):
                if named == name and _keeps(next(program.parents(node), None)):
                    yield node
            case _:
                pass


def _keeps(around: ast.AST | None) -> bool:
    """Whether a value stays what it is there: assigned, returned, collected, chosen."""
    match around:
        case ast.Call(func=ast.Attribute(attr=attr)):
            return attr in ("append", "extend")
        case _:
            kinds = (ast.Assign, ast.Return, ast.List, ast.Tuple, ast.Dict, ast.IfExp)
            return isinstance(around, kinds)
