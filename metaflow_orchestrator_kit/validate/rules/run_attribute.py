from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import ClassInfo
from metaflow_orchestrator_kit.validate.plugins import header_of, origin_of
from metaflow_orchestrator_kit.validate.project import Project
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_module
from metaflow_orchestrator_kit.validate.walking import walk

#: What the objects have by their base classes (Metaflow 2.19), and every object has.
_BASE = {
    objects.TRIGGERED_RUN: {
        "deployer", "metadata_for_flow", "pathspec", "name", "run", "wait_for_run",
    },
    objects.DEPLOYED_FLOW: {
        "deployer", "name", "flow_name", "metadata", "TYPE", "from_deployment",
        "list_deployed_flows", "get_triggered_run",
    },
}  # fmt: skip
_HEAD = (
    "from metaflow.runner.deployer import TriggeredRun\n\nclass AcmeTriggeredRun(TriggeredRun):\n"
)
_URL = "    @property\n    def url(self):\n        return self._content.get('url')"


class RunAttributeUnset(Rule):
    """A method reads an attribute of its object that nothing ever sets.

    `TriggeredRun` keeps `pathspec`, `name` and the metadata of the answer, and nothing else of
    what `trigger` wrote. A property that reads another attribute raises AttributeError; inside a
    broad `except` it quietly answers None, for every run.

    Keep what you need in your own `__init__`.
    """

    code = "MOK124"
    name = "run-attribute-unset"
    clauses = ("B8",)
    severity = Severity.ERROR

    VALID = (
        Example("kept in the constructor", objects_module(
            f"import json\n{_HEAD}    def __init__(self, deployer, content):\n"
            "        super().__init__(deployer, content)\n"
            f"        self._content = json.loads(content)\n{_URL}\n")),
        Example("asked for carefully", objects_module(
            f"{_HEAD}    @property\n    def url(self):\n"
            "        return getattr(self, '_content', {}).get('url')\n")),
    )  # fmt: skip
    INVALID = (
        Example("never set", objects_module(f"{_HEAD}{_URL}  # <-- here\n")),
        Example("set on another object", objects_module(
            f"{_HEAD}{_URL}  # <-- here\n\nclass Other:\n    def __init__(self):\n"
            "        self._other = {}\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        written: set[str] = set()
        seen = False
        for base, known in _BASE.items():
            for cls in objects.leaves(project, base):
                written = written if seen else _written(project)
                seen = True
                self._judge(project, cls, known | written, verdict, base)
        if not seen:
            verdict.not_applicable("no deployed flow or triggered run is defined here")

    def _judge(
        self, project: Project, cls: ClassInfo, known: set[str], verdict: Judge, base: str
    ) -> None:
        where = header_of(cls.module, cls.node)
        dynamic = {"__getattr__", "__getattribute__"}
        names = {m.name for _, m in objects.methods(project, cls)}
        if objects.foreign_bases(project, cls, base) or names & dynamic:
            verdict.ok(where, f"`{cls.name}` may have attributes that are not written out")
            return
        reported: set[str] = set()
        for owner, method in objects.methods(project, cls):
            asked = {
                n.args[1].value
                for n in walk(method)
                if isinstance(n, ast.Call)
                and objects.call_name(n) in ("hasattr", "setattr")
                and len(n.args) > 1
                and isinstance(n.args[1], ast.Constant)
            }
            for node in walk(method):
                if not (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)):
                    continue
                if not (isinstance(node.value, ast.Name) and node.value.id == "self"):
                    continue
                name = node.attr
                if name in known or name in asked or name in reported or name.startswith("__"):
                    continue
                if objects.member(project, cls, name) is not None or _nested(owner, name):
                    continue
                reported.add(name)
                verdict.fail(
                    origin_of(owner.module, node),
                    f"`{cls.name}` has no attribute `{name}`",
                    "Set it in __init__, from the JSON text that the object is made from.",
                )
        if not reported:
            verdict.ok(where, f"`{cls.name}` reads only attributes that it has")


def _written(project: Project) -> set[str]:
    """The attributes that are assigned anywhere in the project, to whatever object."""
    return {
        n.attr
        for m in project.modules
        for n in walk(m.tree)
        if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)
    }


def _nested(owner: ClassInfo, name: str) -> bool:
    """Whether the class defines a class of that name."""
    return any(isinstance(n, ast.ClassDef) and n.name == name for n in owner.node.body)
