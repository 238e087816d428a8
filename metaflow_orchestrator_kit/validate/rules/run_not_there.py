from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import origin_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_file
from metaflow_orchestrator_kit.validate.rules.run_namespace import lookups
from metaflow_orchestrator_kit.validate.walking import walk

#: What is asked right after `trigger`, when the first task has not registered the run yet.
_EARLY = {"run", "status", "is_running", "finished", "successful", "wait_for_completion"}
_HEAD = """\
from metaflow import Run
from metaflow.exception import MetaflowNotFound
from metaflow.runner.deployer import TriggeredRun

class AcmeTriggeredRun(TriggeredRun):
    @property
    def status(self):
"""
_RUN = "Run(self.pathspec, _namespace_check=False)"


class RunNotThere(Rule):
    """A run is asked for before it is registered, and that is an error.

    `init` registers the run when the scheduler starts the first task, seconds or minutes after
    `trigger()` returned. Until then `Run(...)` raises MetaflowNotFound: a client that asks for
    `status` at once gets a traceback, now and then.

    Catch MetaflowNotFound and answer None, or that the run is pending.
    """

    code = "MOK152"
    name = "run-not-there-yet-is-an-error"
    clauses = ("B9",)
    severity = Severity.ERROR

    VALID = (
        Example("caught", objects_file(
            f"{_HEAD}        try:\n            return 'ok' if {_RUN}.successful else 'failed'\n"
            "        except MetaflowNotFound:\n            return 'PENDING'\n")),
        Example("by Metaflow's own run", objects_file(
            f"{_HEAD}        return 'PENDING' if self.run is None else 'RUNNING'\n")),
    )  # fmt: skip
    INVALID = (
        Example("not caught", objects_file(
            f"{_HEAD}        return 'ok' if {_RUN}.successful else 'failed'  # <-- here\n")),
        Example("another error is caught", objects_file(
            f"{_HEAD}        try:\n            run = {_RUN}  # <-- here\n"
            "        except KeyError:\n            return None\n        return run.finished\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        found = objects.leaves(project, objects.TRIGGERED_RUN)
        if not found:
            verdict.not_applicable("no triggered run is defined here")
        for cls in found:
            early = [m for _, m in objects.methods(project, cls) if m.name in _EARLY]
            caught = {id(n) for m in early for t in walk(m) if _catches(t) for n in walk(t)}
            inside = {id(n) for m in early for n in walk(m)}
            wrong = False
            for module, call in lookups(project, cls):
                if id(call) not in inside or id(call) in caught:
                    continue
                wrong = True
                verdict.fail(
                    origin_of(module, call),
                    "the run may not be registered yet, and this raises MetaflowNotFound then",
                    "Catch MetaflowNotFound: the run is pending.",
                )
            if not wrong:
                where = origin_of(cls.module, cls.node)._replace(end_line=cls.node.lineno)
                verdict.ok(where, "a run that is not registered yet is no error")


def _catches(node: ast.AST) -> bool:
    """A `try` whose handlers would take MetaflowNotFound, or `with suppress(...)`."""
    if isinstance(node, ast.With):
        return any("suppress" in ast.unparse(i.context_expr) for i in node.items)
    if not isinstance(node, ast.Try):
        return False
    for handler in node.handlers:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        for kind in kinds:
            name = ast.unparse(kind).rpartition(".")[2] if kind is not None else "Exception"
            if name in ("Exception", "BaseException") or "NotFound" in name or "Metaflow" in name:
                return True
            if not name.endswith("Error"):
                return True  # A class whose bases are not known here.
    return False
