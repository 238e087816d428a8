from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import nothing_launched
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.features import (
    compiler_place,
    looked_up,
    refuses,
)
from metaflow_orchestrator_kit.validate.rules.in_use import in_use

_FIX = (
    "Read cpu, gpu, memory and disk of `@resources` (values may be strings) into the scheduler's "
    "own request; when it has none, say so at create."
)
_STEP = """\

def step(node, flow):
    return ["python", flow, "--quiet", "step", node.name, "--run-id", "r", "--task-id", "t"]
"""


class ResourcesIgnored(Rule):
    """@resources is never read.

    It does nothing inside a step: without the scheduler's own request a step that asks for 64 GB
    and a GPU runs in the default slot, and is killed for its memory. Map it at create.
    """

    code = "MOK531"
    name = "resources-ignored"
    clauses = ("M1",)
    severity = Severity.ERROR

    VALID = (
        Example("mapped", compiler("""\
        def request(node):
            for deco in node.decorators:
                if deco.name == "resources":
                    return {"cpu": deco.attributes["cpu"], "memory": deco.attributes["memory"]}
            return {}
        """ + _STEP.replace("\n", "\n        "))),
        Example("refused", compiler("""\
        def check(node):
            if "resources" in [d.name for d in node.decorators]:
                raise ValueError("@resources is not supported")
        """ + _STEP.replace("\n", "\n        "))),
    )  # fmt: skip
    INVALID = (
        Example("never", compiler(_STEP.replace('"t"]', '"t"]  # <-- here'))),
        Example("only in a docstring", compiler(
            '"""@resources is honoured."""\n' + _STEP.replace('"t"]', '"t"]  # <-- here'))),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        for program, node in in_use(
            analysis, looked_up(analysis, "resources", "ResourcesDecorator")
        ):
            verdict.ok(program.place(node), "@resources is looked at")
            return
        for program, node in in_use(analysis, looked_up(analysis, "kubernetes", "batch")):
            if not refuses(program, node):
                # Those decorators take the larger of their own values and of @resources.
                verdict.ok(program.place(node), "a compute decorator that includes it is read")
                return
        text = "@resources is neither read nor refused: it has no effect inside a step"
        verdict.fail(compiler_place(analysis), text, _FIX)
