from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.walking import source, walk

Function = ast.FunctionDef | ast.AsyncFunctionDef
_SHAPES = frozenset(["list", "tuple", "dict", "set", "sorted"])


class WorkedOutInVain(Rule):
    """A value is made out of what the function was given, and then goes nowhere.

    The run's parameters, tags, an event's parameter map or a decorator's attributes are read and
    brought into shape, and the line that should pass them on is missing or passes something else.
    Nothing fails: the feature is silently without effect.

    Pass the value on, or delete the line that makes it.
    """

    code = "MOK995"
    name = "worked-out-in-vain"
    clauses = ("C10",)
    severity = Severity.ERROR

    VALID = (
        Example("passed on", compiler("""\
        def trigger(group, kwargs):
            run_params = [f"{k}={v}" for k, v in kwargs.items()]
            return group.trigger(run_params=run_params)
        """)),
        Example("left over: it is gone through again", compiler("""\
        def trigger(group, kwargs):
            names = [k for k in kwargs]
            return group.trigger(run_params=[f"{k}={kwargs[k]}" for k in kwargs])
        """)),
        Example("meant to be dropped", compiler("""\
        def first(pair):
            head, _rest = sorted(pair)
            _ = list(pair)
            return head
        """)),
    )  # fmt: skip
    INVALID = (
        Example("parameters of a run", compiler("""\
        def trigger(group, **kwargs):
            run_params = [f"{k}={v}" for k, v in kwargs.items()]  # <-- here
            return group.trigger(deployer_attribute_file="x")
        """)),
        Example("an event's parameters", compiler("""\
        def events(triggers):
            found = []
            for event in triggers:
                mapping = sorted((event.get("parameters") or {}).items())  # <-- here
                found.append(Event(event["name"], ()))
            return found
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no function makes a value out of its arguments")
        for program in programs(analysis):
            if not program.whole:
                continue
            functions: list[Function] = [*program.nodes(ast.FunctionDef)]
            for function in (*functions, *program.nodes(ast.AsyncFunctionDef)):
                for node, name in _unread(program, function):
                    verdict.fail(
                        program.place(node),
                        f"`{name}` is worked out here, and nothing uses it",
                        "Pass it on where it was meant to go.",
                        confidence=Confidence.MEDIUM,
                    )
                if not verdict.findings:
                    verdict.ok(program.place(function), "what is worked out is used")


def _unread(program: Program, function: Function) -> Iterator[tuple[ast.Assign, str]]:
    """Assignments of comprehensions and calls over the function's own values, never read."""
    read: set[str] = set()
    made: list[tuple[ast.Assign, str]] = []
    for node in walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
            read.add(node.id)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            read.update(node.names)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            read.add(node.target.id)
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                own = not name.startswith("_") and program.function(node) is function
                if own and _is_shaped(value):
                    made.append((node, name))
            case _:
                pass
    if {"locals", "vars", "eval", "exec"} & read:
        return
    for node, name in made:
        if name not in read and not _gone_through_again(function, node):
            yield node, name


def _is_shaped(value: ast.expr) -> bool:
    """Whether something is brought into shape: gone through, item for item."""
    if isinstance(value, ast.IfExp):
        return _is_shaped(value.body) or _is_shaped(value.orelse)
    kinds = (ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp)
    if isinstance(value, kinds):
        return True
    match value:
        case ast.Call(func=ast.Name(id=name), args=[inner]) if name in _SHAPES:
            return not isinstance(inner, ast.Constant)
        case _:
            return False


def _gone_through_again(function: Function, made: ast.Assign) -> bool:
    """Whether what *made* goes through is read elsewhere as well, so that little can be lost."""
    own = {id(n) for n in walk(made)}
    texts = {source(base) for base in _bases(made.value)}
    return any(
        id(node) not in own
        and isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
        and not isinstance(getattr(node, "ctx", None), ast.Store)
        and source(node) in texts
        for node in walk(function)
    )


def _bases(value: ast.expr) -> Iterator[ast.expr]:
    """What is gone through: ``x`` of ``for k, v in x.items()`` and of ``sorted(x or {})``."""
    match value:
        case ast.IfExp(body=body, orelse=other):
            yield from _bases(body)
            yield from _bases(other)
        case ast.BoolOp(values=[first, *_]):
            yield from _bases(first)
        case ast.ListComp(generators=parts) | ast.SetComp(generators=parts):
            yield from _bases(parts[0].iter)
        case ast.DictComp(generators=parts) | ast.GeneratorExp(generators=parts):
            yield from _bases(parts[0].iter)
        case ast.Call(func=ast.Attribute(value=inner, attr="items" | "keys" | "values")):
            yield from _bases(inner)
        case ast.Call(func=ast.Name(id=name), args=[inner, *_]) if name in _SHAPES:
            yield from _bases(inner)
        case ast.Tuple() | ast.Constant() | ast.Dict():
            return
        case _:
            yield value
