from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import called, programs, source
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

_HOOKS = {
    "runtime_init", "runtime_task_created", "runtime_step_cli", "runtime_finished",
    "runtime_init_ctx", "runtime_task_created_ctx", "runtime_step_cli_ctx",
}  # fmt: skip
_FIX = (
    "Leave these hooks to Metaflow's own runtime: forward the dynamic decorators with `--with` and "
    "translate the attributes of those that choose where a step runs."
)


class RuntimeHookCalled(Rule):
    """A decorator's runtime hook is called by the extension.

    `runtime_init`, `runtime_task_created` and `runtime_step_cli` belong to Metaflow's own runtime,
    which gives them objects that exist nowhere else. Their arguments change between releases, and
    a stand-in raises AttributeError in some decorator, or makes it choose the wrong command.
    """

    code = "MOK533"
    name = "runtime-hook-called"
    clauses = ("M3",)
    severity = Severity.ERROR

    VALID = (
        Example("a decorator defines its own", compiler("""\
        from metaflow.decorators import StepDecorator

        class Internal(StepDecorator):
            name = "acme_internal"

            def task_pre_step(self, step_name, datastore, metadata, run_id, *args):
                pass

            def runtime_init(self, flow, graph, package, run_id):
                super().runtime_init(flow, graph, package, run_id)

        def names(step):
            return [deco.name for deco in step.decorators]
        """)),
        Example("its attributes are read", compiler("""\
        def image(node):
            return [d.attributes["image"] for d in node.decorators if d.name == "kubernetes"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("for the command line", compiler("""\
        def command(step, args, retry, user_retries, context):
            for deco in step.decorators:
                deco.runtime_step_cli(args, retry, user_retries, context)  # <-- here
            return args
        """)),
        Example("at create", compiler("""\
        def prepare(flow, graph, package):
            for step in flow:
                for deco in step.decorators:
                    deco.runtime_init(flow, graph, package, "run")  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for node in program.calls(*_HOOKS):
                if not isinstance(node.func, ast.Attribute):
                    continue
                receiver = node.func.value
                if isinstance(receiver, ast.Call) and called(receiver) == "super":
                    continue
                text = f"`{source(node.func)}` is a hook of Metaflow's own runtime"
                verdict.fail(program.place(node), text, _FIX)
            for attribute in program.nodes(ast.Attribute):
                if attribute.attr in ("decorators", "_flow_decorators"):
                    verdict.ok(program.place(attribute), "decorators are read, not run")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no decorator is looked at")
