from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import (
    function_of,
    literal,
    nodes,
    terminal,
    words_of,
)
from metaflow_orchestrator_kit.validate.walking import walk

_PATHS = regex(r"input_?paths?|inputs|^paths$|parents?|task_?ids|pathspecs?", re.I)


class UnorderedInputs(Rule):
    """The inputs of a join are put together from a set.

    `inputs` of a join is in the order of the paths that it was given, and the order of a set is
    another one in each process: results come out shuffled, now and then. Keep a list, in the order
    of the split indexes; drop duplicates with `dict.fromkeys`.
    """

    code = "MOK309"
    name = "unordered-inputs"
    clauses = ("F9",)
    severity = Severity.ERROR

    VALID = (
        Example("a list in order", compiler("""\
        def inputs(run, step, task_ids):
            ordered = dict.fromkeys(task_ids)
            return ",".join(f"{run}/{step}/{task}" for task in ordered)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a set", compiler("""\
        def inputs(run, step, task_ids):
            return ",".join({f"{run}/{step}/{task}" for task in task_ids})  # <-- here
        """)),
        Example("through a variable", compiler("""\
        def inputs(input_paths):
            unique = set(input_paths)
            return ",".join(unique)  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no input paths are joined")
        for module, call in _joins(analysis):
            function = function_of(analysis, call)
            place = analysis.place(module, call)
            if _is_set(call.args[0], function):
                verdict.fail(
                    place,
                    "input paths are joined in the order of a set",
                    "Keep a list in split order; drop duplicates with dict.fromkeys.",
                )
            else:
                verdict.ok(place, "input paths are joined in the order of a list")


def _joins(analysis: Analysis) -> Iterator[tuple[Module, ast.Call]]:
    """Calls of ``",".join(...)`` in code about input paths."""
    for module, node in nodes(analysis, ast.Call):
        match node:
            case ast.Call(func=ast.Attribute(attr="join", value=separator), args=[joined]):
                function = function_of(analysis, node)
                about = words_of(joined) | {getattr(function, "name", "")}
                if literal(separator) == "," and any(_PATHS.search(w) for w in about):
                    yield module, node
            case _:
                pass


def _is_set(node: ast.expr, function: ast.AST | None) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.GeneratorExp() | ast.ListComp():
            return _is_set(node.generators[0].iter, function)
        case ast.Name(id=name) if function is not None:
            given = [
                n.value
                for n in walk(function)
                if isinstance(n, ast.Assign) and name in {terminal(t) for t in n.targets}
            ]
            # A name that stands for a name is not followed: it may stand for itself.
            return (
                len(given) == 1
                and not isinstance(given[0], ast.Name)
                and _is_set(given[0], function if _is_built(given[0], name) else None)
            )
        case _:
            return False


def _is_built(node: ast.expr, name: str) -> bool:
    """Whether a list is built from something else than the variable that it is given to."""
    return isinstance(node, ast.GeneratorExp | ast.ListComp) and name not in words_of(node)
