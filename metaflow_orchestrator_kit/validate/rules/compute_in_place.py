from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Side
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import nothing_launched
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.features import (
    compiler_place,
    looked_up,
    mentions,
)
from metaflow_orchestrator_kit.validate.rules.in_use import in_use

_COMPUTE = ("kubernetes", "batch")
#: The decorators by their classes, or by the names that these have.
_BY_CLASS = r"^(?:Kubernetes|Batch)Decorator$"
_WITH = regex(r"^(?:--with=)?[\"']?(kubernetes|batch|slurm)\b")
_FIX = (
    "Translate the decorator's attributes (image, cpu, memory, secrets) to the scheduler's own "
    "job, launch its trampoline command, or refuse the flow at create."
)
_STEP = """\

def step(node, flow):
    return ["python", flow, "--quiet", "step", node.name, "--run-id", "r", "--task-id", "t"]
"""


class ComputeInPlace(Rule):
    """Steps with @kubernetes or @batch run on the worker itself.

    The hop to the cluster happens in Metaflow's own runtime only: `--with kubernetes step x`, and
    a plain `step x` of a decorated step, run the user's code where the command runs, with the
    worker's image and memory, and say nothing. Translate the decorator, or refuse it.
    """

    code = "MOK532"
    name = "compute-decorator-in-place"
    clauses = ("M2", "C10")
    severity = Severity.ERROR

    VALID = (
        Example("refused", compiler("""\
        def check(graph):
            for node in graph:
                if any(d.name in ("kubernetes", "batch") for d in node.decorators):
                    raise ValueError("%s: @kubernetes is not supported" % node.name)
        """ + _STEP.replace("\n", "\n        "))),
        Example("translated", compiler("""\
        def pod(node):
            for deco in node.decorators:
                if deco.name == "kubernetes":
                    return {"image": deco.attributes["image"], "cpu": deco.attributes["cpu"]}
                if deco.name == "batch":
                    raise ValueError("@batch is not supported")
        """ + _STEP.replace("\n", "\n        "))),
        Example("found by its class", compiler("""\
        from metaflow.plugins.kubernetes.kubernetes_decorator import KubernetesDecorator

        def pod(node):
            found = [d for d in node.decorators if isinstance(d, KubernetesDecorator)]
            return found[0].attributes if found else {}
        """ + _STEP.replace("\n", "\n        "))),
    )  # fmt: skip
    INVALID = (
        Example("never looked at", compiler(_STEP.replace('"t"]', '"t"]  # <-- here'))),
        Example("a table that nobody reads", compiler(
            '_REMOTE = ("kubernetes", "batch")\n' + _STEP.replace('"t"]', '"t"]  # <-- here'))),
        Example("forwarded", compiler("""\
        def check(deco):
            return deco.name in ("kubernetes", "batch")

        def step(node, flow):
            top = ["python", flow, "--quiet", "--with", "kubernetes:cpu=2"]  # <-- here
            return top + ["step", node.name, "--run-id", "r", "--task-id", "t"]
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        for command in analysis.of_kind("step"):
            for option in command.options("--with", Side.TOP):
                if option.text and _WITH.search(option.text):
                    text = f"`--with {option.text}` in front of `step` does not leave the worker"
                    verdict.fail(option.origin, text, _FIX)
        missing = [
            name for name in _COMPUTE if not any(in_use(analysis, looked_up(analysis, name)))
        ]
        if len(missing) < len(_COMPUTE) or mentions(analysis, _BY_CLASS):
            verdict.ok(compiler_place(analysis), "compute decorators are looked at")
        elif mentions(analysis, r"runtime_step_cli"):
            verdict.unsure(compiler_place(analysis), "compute decorators may replace the command")
        else:
            text = "@kubernetes and @batch are neither translated nor refused: they run in place"
            verdict.fail(compiler_place(analysis), text, _FIX)
