from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal, nodes
from metaflow_orchestrator_kit.validate.rules.task_variables import (
    judge_variables,
    set_by_nobody,
    set_for_tasks,
    written,
)

#: What Metaflow takes its user's name from.
_USERS = frozenset(["METAFLOW_USER", "USERNAME", "USER"])
_DEPLOYER = regex(r"user", re.I)


class TaskOwnerMissing(Rule):
    """The tasks are not told who deployed the flow.

    The default branch of `@project` is `user.<METAFLOW_OWNER>`. Without the variable a task takes
    its worker's user instead: its branch is another one than that of the deployment. Set
    METAFLOW_OWNER to the deploying user; METAFLOW_USER does as well, if it is that user's name.
    """

    code = "MOK403"
    name = "task-owner-missing"
    clauses = ("G3", "J4")
    severity = Severity.WARNING

    VALID = (
        *set_for_tasks("METAFLOW_OWNER"),
        Example("the tasks' user is the deploying one", compiler("""\
        from metaflow.util import get_username

        def command(node):
            env = {"METAFLOW_USER": get_username()}
            return ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"], env
        """)),
    )  # fmt: skip
    INVALID = set_by_nobody("METAFLOW_OWNER")

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        user = next(_named_users(analysis), None)
        if user is not None and not written(analysis, "METAFLOW_OWNER"):
            verdict.ok(user, "the tasks run under the name of whoever deployed the flow")
            return
        judge_variables(
            analysis,
            verdict,
            ("METAFLOW_OWNER",),
            message="nothing sets METAFLOW_OWNER for the tasks",
            help="Set METAFLOW_OWNER to get_username() of create, for `init` and every step.",
        )


def _named_users(analysis: Analysis) -> Iterator[Origin]:
    """Where the tasks are given the deploying user's name: `@project` falls back to that one."""
    for module, node in nodes(analysis, ast.Assign, ast.Dict, ast.Call):
        match node:
            case ast.Assign(targets=[ast.Subscript(slice=key)], value=value):
                pairs = [(key, value)]
            case ast.Dict(keys=keys, values=values):
                pairs = [(k, v) for k, v in zip(keys, values, strict=True) if k is not None]
            case ast.Call(func=ast.Attribute(attr="setdefault"), args=[key, value]):
                pairs = [(key, value)]
            case _:
                continue
        for key, value in pairs:
            named = literal(key) in _USERS and not isinstance(value, ast.Constant)
            if named and _DEPLOYER.search(ast.unparse(value)):
                yield analysis.place(module, value)
