from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs, source
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

_RESOLVES = {
    "get_secret_as_dict", "get_secrets_backend_provider", "get_default_secrets_backend_type",
    "get_secret_value", "access_secret_version",
}  # fmt: skip
_TASK_HOOKS = ("task_", "step_init")
_FIX = (
    "Leave @secrets to the task, and pass only the settings of the backend on "
    "(METAFLOW_DEFAULT_SECRETS_BACKEND_TYPE, region, prefixes)."
)


class SecretsResolved(Rule):
    """Secrets are fetched while the flow is compiled.

    `@secrets` fetches them inside the task, with the task's own role. What the deployer fetches is
    the deployer's secret, is written into the workflow for everybody who may read it, and stays
    there after it was rotated.
    """

    code = "MOK535"
    name = "secret-resolved-at-compile-time"
    clauses = ("M5",)
    severity = Severity.ERROR

    VALID = (
        Example("the backend's settings", compiler("""\
        from metaflow.metaflow_config import DEFAULT_SECRETS_BACKEND_TYPE

        def env():
            return {"METAFLOW_DEFAULT_SECRETS_BACKEND_TYPE": DEFAULT_SECRETS_BACKEND_TYPE}
        """)),
    )  # fmt: skip
    INVALID = (
        Example("fetched for the environment", compiler("""\
        def env(node, backend):
            found = {}
            for deco in node.decorators:
                if deco.name == "secrets":
                    for source in deco.attributes["sources"]:
                        found.update(backend.get_secret_as_dict(source))  # <-- here
            return found
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            if program.generated:
                continue
            for node in program.nodes(ast.Call):
                if called(node) in _RESOLVES and _compiles(program, node):
                    text = f"`{source(node.func)}` fetches a secret before the task runs"
                    verdict.fail(program.place(node), text, _FIX)
            for constant in program.nodes(ast.Constant):
                if constant.value == "METAFLOW_DEFAULT_SECRETS_BACKEND_TYPE":
                    verdict.ok(program.place(constant), "the backend's settings are passed on")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("nothing has to do with secrets")


def _compiles(program: Program, node: ast.Call) -> bool:
    """Whether the call is made for the decorators of a flow, outside the tasks' own hooks."""
    function = program.function(node)
    if function is None or function.name.startswith(_TASK_HOOKS):
        return False
    return "decorators" in source(function)
