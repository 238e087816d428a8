from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.retry_terms import counts_errors, larger_of_two
from metaflow_orchestrator_kit.validate.rules.syntax import (
    above,
    calls,
    function_of,
    literal,
    mentions,
    nodes,
    terminal,
)
from metaflow_orchestrator_kit.validate.walking import walk

HOOK = "step_task_retry_count"
_FIX = (
    f"Schedule 1 + max({HOOK}()[0]) + max({HOOK}()[1]) attempts, the maxima taken over the "
    "step's decorators, and at most MAX_ATTEMPTS."
)


class ErrorRetriesIgnored(Rule):
    """The scheduler is told of the user's retries only, not of the error retries.

    `step_task_retry_count()` of a decorator answers both. `@catch` asks for error retries: attempts
    after the last one of the user's code, in which a step whose process died is caught. Without
    them such a step fails the run although it has `@catch`. Reading `times` of `@retry` misses them
    and every other decorator that retries.
    """

    code = "MOK453"
    name = "error-retries-ignored"
    clauses = ("H3",)
    severity = Severity.ERROR

    VALID = (
        Example("both", compiler("""\
        def attempts(node):
            user = error = 0
            for deco in node.decorators:
                user_retries, error_retries = deco.step_task_retry_count()
                user, error = max(user, user_retries), max(error, error_retries)
            return min(1 + user + error, 6)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("thrown away", compiler("""\
        def retries(node):
            found = 0
            for deco in node.decorators:
                user, _ = deco.step_task_retry_count()  # <-- here
                found = max(found, user)
            return found
        """)),
        Example("only the first", compiler("""\
        def retries(node):
            return max(d.step_task_retry_count()[0] for d in node.decorators)  # <-- here
        """)),
        Example("worked out, and left out", compiler("""\
        def retries(node):
            pairs = [d.step_task_retry_count() for d in node.decorators]
            return max(u for u, _ in pairs), max(e for _, e in pairs)
        def attempts(node):
            user, error = retries(node)  # <-- here
            return 1 + user
        """)),
        Example("collected, and left out", compiler("""\
        def attempts(node):
            user, error = 0, 0
            for deco in node.decorators:
                user_retries, error_retries = deco.step_task_retry_count()  # <-- here
                user = max(user, user_retries)
                error = max(error, error_retries)
            return 1 + user
        """)),
        Example("not taken from a function that tells them", compiler("""\
        def retries(node):
            pairs = [d.step_task_retry_count() for d in node.decorators]
            return max(u for u, _ in pairs), max(sum(p) for p in pairs)
        def operator(node):
            user, _ = retries(node)  # <-- here
            return Operator(node.name, retries=user)
        """)),
        Example("the times of @retry", compiler("""\
        def retries(node):
            for deco in node.decorators:
                if deco.name == "retry":
                    return int(deco.attributes["times"])  # <-- here
            return 0
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("nothing asks how often a step is to be retried")
        ignoring = []
        for module, call in calls(analysis, HOOK):
            place = analysis.place(module, call)
            if not uses_second(analysis, call):
                ignoring.append(place)
            elif not any(_unused(analysis)):
                verdict.ok(place, "error retries are counted")
        for module, name in _unused(analysis):
            ignoring.append(analysis.place(module, name))
        ignoring.extend(larger_of_two(analysis))
        for place in ignoring:
            verdict.fail(place, f"the error retries of {HOOK}() are thrown away", _FIX)
        if ignoring or verdict.evidence or mentions(analysis, HOOK):
            return
        for module, node in nodes(analysis, ast.Call, ast.Subscript):
            if reads_times(node):
                verdict.fail(
                    analysis.place(module, node),
                    "the number of attempts is read from `times` of @retry",
                    _FIX,
                )


def uses_second(analysis: Analysis, call: ast.Call) -> bool:
    """Whether the second of the two numbers is used."""
    around = next(iter(above(analysis, call)), None)
    if isinstance(around, ast.Subscript):
        return literal(around.slice) != 0
    if not isinstance(around, ast.Assign):
        return True
    target = around.targets[0]
    if not isinstance(target, ast.Tuple) or len(target.elts) != 2:
        return True
    function = function_of(analysis, call)
    return function is not None and _read(analysis, function, terminal(target.elts[1]))


def _read(analysis: Analysis, function: ast.AST, name: str, through: bool = True) -> bool:
    """Whether a variable is read, other than to collect it in one that is not read itself."""
    for node in walk(function):
        if not (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)):
            continue
        match list(islice(above(analysis, node), 2)):
            case [
                ast.Call(func=ast.Name(id="max")),
                ast.Assign(targets=[ast.Name(id=holder)]),
            ]:
                if holder == name or not through or not _read(analysis, function, holder, False):
                    continue
                return True
            case _:
                return True
    return False


def reads_times(node: ast.AST) -> bool:
    """Whether *node* reads the attribute ``times`` of a decorator."""
    match node:
        case ast.Call(
            func=ast.Attribute(attr="get", value=value), args=[ast.Constant(value="times"), *_]
        ):
            return terminal(value) == "attributes"
        case ast.Subscript(slice=ast.Constant(value="times"), value=value):
            return terminal(value) == "attributes"
        case _:
            return False


def _unused(analysis: Analysis) -> Iterator[tuple[Module, ast.Name]]:
    """Error retries that a function of the project answers, where nothing is done with them."""
    asking = {
        function.name
        for _, call in calls(analysis, HOOK)
        if isinstance(function := function_of(analysis, call), ast.FunctionDef)
    }
    for module, node in nodes(analysis, ast.Assign):
        match node:
            case ast.Assign(
                targets=[ast.Tuple(elts=[_, ast.Name(id=name) as target])], value=ast.Call() as call
            ) if terminal(call.func) in asking:
                function = function_of(analysis, node)
                if name == "_":
                    dropped = sum(1 for _ in calls(analysis, terminal(call.func))) == 1
                else:
                    dropped = (
                        function is not None
                        and ("err" in name or counts_errors(analysis, call, 1))
                        and not any(
                            isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)
                            for n in walk(function)
                        )
                    )
                if dropped:
                    yield module, target
            case _:
                pass
