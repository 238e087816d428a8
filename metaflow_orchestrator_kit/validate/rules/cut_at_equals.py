from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal


class CutAtEquals(Rule):
    """A value that holds an equals sign is cut, or breaks the command.

    `kv.split("=")` gives three parts for `query=a=b`: unpacked into two it raises ValueError, and
    `[1]` of it loses what follows. Base64, URLs and JSON hold equals signs. (What raises is
    noticed: a warning.)

    Split once: `kv.split("=", 1)` or `kv.partition("=")`.
    """

    code = "MOK157"
    name = "value-cut-at-equals-sign"
    clauses = ("B6", "C7")
    severity = Severity.ERROR

    VALID = (
        Example("once", compiler("""\
        def given(run_params):
            return dict(kv.split("=", 1) for kv in run_params)
        """)),
        Example("only the name is wanted", compiler("""\
        def names(run_params):
            return [kv.split("=")[0] for kv in run_params]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("unpacked", compiler("""\
        def given(run_params):
            for kv in run_params:
                key, value = kv.split("=")  # <-- here
                yield key, value
        """)),
        Example("pairs of a dictionary", compiler("""\
        def given(run_params):
            return dict(kv.split("=") for kv in run_params)  # <-- here
        """)),
        Example("the second part", compiler("""\
        def value(option):
            return option.split("=")[1]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for call in program.calls("split"):
                if not call.args or literal(call.args[0]) != "=":
                    continue
                once = len(call.args) > 1 or bool(call.keywords)
                if once or not _takes_value(program, call):
                    verdict.ok(program.place(call), "a value keeps its equals signs")
                    continue
                is_loud = not isinstance(next(program.parents(call), None), ast.Subscript)
                verdict.fail(
                    program.place(call),
                    "a value that holds an equals sign "
                    + ("raises ValueError here" if is_loud else "is cut here"),
                    'Split once: `.split("=", 1)`.',
                    severity=Severity.WARNING if is_loud else None,
                )
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("nothing is split at an equals sign")


def _takes_value(program: Program, call: ast.Call) -> bool:
    """Whether the part behind the sign is taken for the whole value."""
    match next(program.parents(call), None):
        case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(), ast.Name()])]):
            return True
        case ast.comprehension(target=ast.Tuple(elts=[_, _])):
            return True
        case ast.Subscript(slice=index):
            return literal(index) == 1
        case ast.GeneratorExp(elt=made) | ast.ListComp(elt=made) if made is call:
            holder = list(program.parents(call))[1]
            return isinstance(holder, ast.Call) and called(holder) == "dict"
        case _:
            return False
