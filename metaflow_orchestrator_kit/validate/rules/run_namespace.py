from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import ClassInfo
from metaflow_orchestrator_kit.validate.plugins import origin_of
from metaflow_orchestrator_kit.validate.project import Module, Project
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_file
from metaflow_orchestrator_kit.validate.walking import walk

_CLIENT = {"Run", "Step", "Task"}
_HEAD = """\
from metaflow import Run
from metaflow.exception import MetaflowNotFound
from metaflow.runner.deployer import TriggeredRun

class AcmeTriggeredRun(TriggeredRun):
    @property
    def run(self):
        try:
"""
_TAIL = "        except MetaflowNotFound:\n            return None\n"


class RunNamespace(Rule):
    """A triggered run is looked up in the caller's own namespace.

    A deployed run belongs to `production:<token>`, or to the user that tasks run as. Whoever
    triggered it has another namespace, and gets MetaflowNamespaceMismatch for a run that is there.
    Metaflow's own `TriggeredRun.run` passes `_namespace_check=False`.

    Pass it as well, or keep the inherited `run`.
    """

    code = "MOK151"
    name = "run-seen-in-one-namespace"
    clauses = ("B9",)
    severity = Severity.ERROR

    VALID = (
        Example("unchecked", objects_file(
            f"{_HEAD}            return Run(self.pathspec, _namespace_check=False)\n{_TAIL}")),
        Example("by Metaflow", objects_file(
            "from metaflow.runner.deployer import TriggeredRun\n\n"
            "class AcmeTriggeredRun(TriggeredRun):\n    pass\n")),
    )  # fmt: skip
    INVALID = (
        Example("in this namespace", objects_file(
            f"{_HEAD}            return Run(self.pathspec)  # <-- here\n{_TAIL}")),
        Example("through a module", objects_file(
            f"import metaflow\n{_HEAD}"
            f"            return metaflow.Run(self.pathspec)  # <-- here\n{_TAIL}")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        found = objects.leaves(project, objects.TRIGGERED_RUN)
        if not found:
            verdict.not_applicable("no triggered run is defined here")
        for cls in found:
            wrong = False
            for module, call in lookups(project, cls):
                if any(k.arg in (None, "_namespace_check") for k in call.keywords):
                    continue
                wrong = True
                verdict.fail(
                    origin_of(module, call),
                    "the run is looked up in the namespace of whoever asks, and is in another",
                    "Pass `_namespace_check=False`, as Metaflow's own `run` does.",
                )
            if not wrong:
                where = origin_of(cls.module, cls.node)._replace(end_line=cls.node.lineno)
                verdict.ok(where, "no run is looked up in one namespace only")


def lookups(project: Project, cls: ClassInfo) -> list[tuple[Module, ast.Call]]:
    """Where methods of the class make objects of Metaflow's client, no namespace being set."""
    found: list[tuple[Module, ast.Call]] = []
    for owner, method in objects.methods(project, cls):
        names = objects.called(method)
        if {"namespace", "metaflow.namespace"} & names:
            continue
        for node in walk(method):
            if isinstance(node, ast.Call) and node.args and _is_client(owner.module, method, node):
                found.append((owner.module, node))
    return found


def _is_client(module: Module, method: objects.Function, call: ast.Call) -> bool:
    name = objects.call_name(call)
    head, _, last = name.rpartition(".")
    if last not in _CLIENT:
        return False
    if head:
        return head in ("metaflow", "metaflow.client") or module.imports.get(head, ("",))[0] == (
            "metaflow"
        )
    if last in module.imports:
        return module.imports[last][0].startswith("metaflow")
    return any(
        isinstance(n, ast.ImportFrom)
        and (n.module or "").startswith("metaflow")
        and any((a.asname or a.name) == last for a in n.names)
        for n in walk(method)
    )
