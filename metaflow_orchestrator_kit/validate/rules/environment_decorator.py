from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place, nothing_launched
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal, nodes, terminal


class EnvironmentDecoratorIgnored(Rule):
    """The variables of `@environment` do not reach the tasks.

    The decorator acts in Metaflow's own runtime only. On another scheduler its variables are absent
    from `os.environ` in the step, without an error. Read `vars` of the decorator named
    "environment" for each step, as text, and set them before Python starts.
    """

    code = "MOK408"
    name = "environment-decorator-ignored"
    clauses = ("G8",)
    severity = Severity.ERROR

    VALID = (
        Example("read by its name", compiler("""\
        def command(node):
            env = {}
            for deco in node.decorators:
                if deco.name == "environment":
                    env.update({k: str(v) for k, v in deco.attributes["vars"].items()})
            return ["python", "flow.py", "step", node.name, "--run-id", "r"], env
        """)),
    )  # fmt: skip
    INVALID = (
        Example("not read", compiler("""\
        def command(node):
            env = {"METAFLOW_USER": "acme"}
            return ["python", "flow.py", "step", node.name, "--run-id", "r"], env  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        read = _read(analysis)
        if read is not None:
            verdict.ok(read, "the variables of @environment are read")
            return
        verdict.fail(
            next(iter(by_place(analysis, "step"))),
            "the variables of `@environment` do not reach the tasks",
            'Set `attributes["vars"]` of the decorator named "environment" for its step.',
            confidence=Confidence.MEDIUM,
        )


def _read(analysis: Analysis) -> Origin | None:
    """Where ``vars`` of a decorator is read, or a decorator is looked up as "environment"."""
    for module, node in nodes(analysis, ast.Compare, ast.Subscript, ast.Call):
        match node:
            case ast.Compare(left=left, comparators=[right]):
                found = "environment" in {
                    literal(left),
                    *map(literal, getattr(right, "elts", [right])),
                }
            case ast.Subscript(slice=key, value=value):
                found = literal(key) == "vars" and "attr" in terminal(value)
            case ast.Call(args=args):
                found = any(literal(a) in ("vars", "environment") for a in args[:2])
            case _:
                found = False
        if found:
            return analysis.place(module, node)
    return None
