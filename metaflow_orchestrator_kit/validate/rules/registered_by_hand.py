from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import (
    Program,
    called,
    programs,
    source,
)
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.walking import walk

_CALLS = {
    "new_run_id", "new_task_id", "register_run_id", "register_task_id", "_new_run", "_new_task",
    "persist_constants",
}  # fmt: skip
_WRITES = {"write", "write_text", "dump", "makedirs", "mkdir"}
_FIX = "Leave it to `init` and `step`: give them --run-id and --task-id and they register both."


class RegisteredByHand(Rule):
    """Runs or tasks are registered outside `init` and `step`.

    A run that the deployer creates is a second run beside the one that executes, or has an id of
    another kind; files written below `_meta` work with the local provider alone and break with
    its layout. The commands register what they run.
    """

    code = "MOK502"
    name = "registered-by-hand"
    clauses = ("I2",)
    severity = Severity.ERROR

    VALID = (
        Example("init registers the run", compiler("""\
        def init(flow, run):
            return ["python", flow, "init", "--run-id", run, "--task-id", "params"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a run from the deployer", compiler("""\
        def trigger(obj):
            run = obj.metadata.new_run_id()  # <-- here
            return ["python", "flow.py", "init", "--run-id", run, "--task-id", "params"]
        """)),
        Example("files of the local provider", compiler("""\
        import json, os

        def register(root, flow, run):
            with open(os.path.join(root, flow, run, "_meta", "_self.json"), "w") as f:  # <-- here
                json.dump({"flow_id": flow, "run_number": run}, f)
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for node in program.calls(*_CALLS):
                if not _for_heartbeat(program, node):
                    text = f"`{source(node.func)}` registers what init and step register"
                    verdict.fail(program.place(node), text, _FIX)
            by_hand: dict[tuple[int, str], list[Origin]] = {}
            for constant in program.nodes(ast.Constant):
                name = constant.value if isinstance(constant.value, str) else ""
                if not name.endswith("_self.json") or program.is_text(constant):
                    continue
                scope: ast.AST = program.function(constant) or program.tree
                names = {called(n) for n in walk(scope) if isinstance(n, ast.Call)}
                if names & _WRITES:
                    by_hand.setdefault((id(scope), name), []).append(program.place(constant))
            for (_, name), places in by_hand.items():
                text = f"`{name}` of the local metadata provider is written by hand"
                verdict.fail(min(places), text, _FIX)
        for command in analysis.of_kind("init"):
            verdict.ok(command.origin, "`init` registers the run")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no run is started")


def _for_heartbeat(program: Program, node: ast.Call) -> bool:
    """Whether a run that exists is only made known for its heartbeat; or it is no provider's."""
    if not isinstance(node.func, ast.Attribute) or source(node.func.value) == "self":
        return True
    scope = program.function(node)
    return scope is not None and "heartbeat" in source(scope)
