from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.objects import call_name
from metaflow_orchestrator_kit.validate.plugins import header_of, origin_of
from metaflow_orchestrator_kit.validate.project import Module, dotted
from metaflow_orchestrator_kit.validate.reach import reachable
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_module
from metaflow_orchestrator_kit.validate.rules.places import by_function
from metaflow_orchestrator_kit.validate.walking import walk

_CHANGING = {
    "os.chdir": "the directory", "os.putenv": "the environment", "os.unsetenv": "the environment",
    "os.environ.update": "the environment", "os.environ.setdefault": "the environment",
    "os.environ.clear": "the environment",
    "metaflow.metadata": "the metadata provider", "metaflow.namespace": "the namespace",
    "metaflow.client.metadata": "the metadata provider",
}  # fmt: skip
_HEAD = "import os\nimport metaflow\nfrom metaflow.runner.deployer import TriggeredRun\n\n"
_CLASS = "class AcmeTriggeredRun(TriggeredRun):\n    @property\n    def run(self):\n"
_FIX = (
    "Leave the process as it is: pass environment to the commands (deployer.env_vars), and let "
    "`run` use the caller's own metadata and namespace."
)


class CallersProcessChanged(Rule):
    """The objects of the Deployer API change the process of the user that calls them.

    They live in notebooks, web servers and test suites, next to other flows. `os.environ` or
    `metaflow.metadata(...)` set in one property holds for every other run, in every thread; set
    and restored, it is gone again when the lazy Run object at last reads its data.

    Give variables to the commands that are started, and nothing to the process.
    """

    code = "MOK120"
    name = "callers-process-changed"
    clauses = ("B15", "B9")
    severity = Severity.ERROR

    VALID = (
        Example("variables for a command", objects_module(
            f"{_HEAD}{_CLASS}        env = {{**os.environ, 'A': '1'}}\n"
            "        return self.deployer.spm.run_command(['x'], env=env)\n")),
    )  # fmt: skip
    INVALID = (
        Example("a variable of the process", objects_module(
            f"{_HEAD}{_CLASS}        os.environ['METAFLOW_PROFILE'] = 'x'  # <-- here\n"
            "        return metaflow.Run(self.pathspec)\n")),
        Example("the metadata provider", objects_module(
            f"{_HEAD}{_CLASS}        metaflow.metadata('local')  # <-- here\n"
            "        return metaflow.Run(self.pathspec)\n")),
        Example("in a helper", objects_module(
            f"{_HEAD}def _prepare():\n    os.chdir('/')  # <-- here\n\n"
            f"{_CLASS}        _prepare()\n        return metaflow.Run(self.pathspec)\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        bases = (objects.DEPLOYER, objects.DEPLOYED_FLOW, objects.TRIGGERED_RUN)
        classes = [c for base in bases for c in objects.leaves(project, base)]
        if not classes:
            verdict.not_applicable("no class of the Deployer API is defined here")
        for cls in classes:
            changes: dict[str, list[Origin]] = {}
            for owner, method in objects.methods(project, cls):
                for module, node in reachable(project, owner.module, method):
                    for change, what in _changes(node, module):
                        changes.setdefault(what, []).append(origin_of(module, change))
            if changes:
                for what, found in changes.items():
                    for place in by_function(analysis, found):
                        verdict.fail(place, f"`{cls.name}` changes {what} of its caller", _FIX)
            else:
                where = header_of(cls.module, cls.node)
                verdict.ok(where, f"`{cls.name}` leaves the caller's process alone")


def _changes(node: ast.AST, module: Module) -> Iterator[tuple[ast.AST, str]]:
    for found in walk(node):
        if isinstance(found, ast.Call):
            what = _CHANGING.get(_full(call_name(found), module))
            if what is not None:
                yield found, what
        elif isinstance(found, ast.Subscript) and isinstance(found.ctx, ast.Store | ast.Del):
            if _full(dotted(found.value) or "", module) == "os.environ":
                yield found, "the environment"
        elif isinstance(found, ast.Assign) and any(
            (dotted(t) or "").endswith("LocalStorage.datastore_root") for t in found.targets
        ):
            yield found, "the datastore root"


def _full(name: str, module: Module) -> str:
    head, _, rest = name.partition(".")
    base, attribute = module.imports.get(head, (head, None))
    return ".".join(p for p in (base, attribute, rest) if p)
