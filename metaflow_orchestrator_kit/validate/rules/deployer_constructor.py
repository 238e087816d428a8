from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import ClassInfo
from metaflow_orchestrator_kit.validate.plugins import header_of, origin_of
from metaflow_orchestrator_kit.validate.project import Project, dotted
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import DEPLOYER_TEXT, deployer
from metaflow_orchestrator_kit.validate.walking import walk

NAME = "deployer_kwargs"
_INIT = "    def __init__(self, deployer_kwargs, **kwargs):\n"
_PROPERTY = "    @property\n    def deployer_kwargs(self):\n        return self._kept\n"
_SUPER = "        super().__init__(**kwargs)\n"
_FIX = (
    "def __init__(self, deployer_kwargs, **kwargs): keep the dict in a private field, answer it "
    "from the property `deployer_kwargs`, and call super().__init__(**kwargs)."
)


class DeployerConstructorBroken(Rule):
    """A deployer's constructor cannot be called the way Metaflow calls it.

    `Deployer(flow).<type>(...)` passes `deployer_kwargs` and the general options by keyword.
    `deployer_kwargs` is a read-only property of the base class: assigning it raises
    AttributeError, leaving it out raises NotImplementedError or "Unknown argument", in the first
    line of every user's script.

    Keep the dictionary in a private field and answer it from the property.
    """

    code = "MOK112"
    name = "deployer-constructor-broken"
    clauses = ("B1",)
    severity = Severity.ERROR

    VALID = (
        Example("a private field", deployer(
            f"{DEPLOYER_TEXT}{_INIT}        self._kept = deployer_kwargs\n{_SUPER}{_PROPERTY}")),
        Example("a class attribute in its place", deployer(
            f"{DEPLOYER_TEXT}    deployer_kwargs = None\n{_INIT}"
            f"        self.deployer_kwargs = deployer_kwargs\n{_SUPER}")),
    )  # fmt: skip
    INVALID = (
        Example("assigned to the property", deployer(
            f"{DEPLOYER_TEXT}{_INIT}        self.deployer_kwargs = deployer_kwargs  # <-- here\n"
            f"{_SUPER}")),
        Example("no constructor", deployer(
            DEPLOYER_TEXT.replace("Impl):", "Impl):  # <-- here") + _PROPERTY)),
        Example("no general options", deployer(
            f"{DEPLOYER_TEXT}    def __init__(self, deployer_kwargs):  # <-- here\n"
            f"        self._kept = deployer_kwargs\n        super().__init__()\n{_PROPERTY}")),
        Example("no property", deployer(
            f"{DEPLOYER_TEXT}{_INIT.rstrip()}  # <-- here\n"
            f"        self._kept = deployer_kwargs\n{_SUPER}")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        found = objects.leaves(project, objects.DEPLOYER)
        if not found:
            verdict.not_applicable("no deployer is defined here")
        for cls in found:
            if objects.foreign_bases(project, cls, objects.DEPLOYER):
                where = header_of(cls.module, cls.node)
                verdict.unsure(where, f"`{cls.name}` has a base that was not read")
            else:
                self._judge(project, cls, verdict)

    def _judge(self, project: Project, cls: ClassInfo, verdict: Judge) -> None:
        init = objects.member(project, cls, "__init__")
        own = objects.member(project, cls, NAME)
        where = header_of(cls.module, cls.node)
        if init is None or not isinstance(init.node, objects.Function):
            verdict.fail(where, f"`{cls.name}` has no constructor that takes `{NAME}`", _FIX)
            return
        settable = own is not None and _settable(project, cls, own)
        assigned = [(o, n) for o, m in objects.methods(project, cls) for n in _assignments(m)]
        arguments = init.node.args
        names = {a.arg for a in (*arguments.args, *arguments.kwonlyargs)}
        mentioned = any(isinstance(n, ast.Constant) and n.value == NAME for n in walk(init.node))
        if assigned and not settable:
            owner, node = assigned[0]
            verdict.fail(
                origin_of(owner.module, node),
                f"`{NAME}` is a property without a setter: assigning it raises AttributeError",
                _FIX,
            )
        elif NAME not in names and not mentioned:
            verdict.fail(init.origin, f"the constructor does not take `{NAME}`", _FIX)
        elif arguments.kwarg is None:
            verdict.fail(
                init.origin, "the constructor takes no **kwargs, so flow_file is refused", _FIX
            )
        elif not any(name.endswith("__init__") for name in objects.called(init.node)):
            verdict.fail(init.origin, "the constructor never calls super().__init__", _FIX)
        elif own is None and not assigned:
            verdict.fail(
                init.origin, f"nothing answers `{NAME}`: the base class raises for it", _FIX
            )
        else:
            verdict.ok(init.origin, f"`{cls.name}` takes and answers `{NAME}`")


def _settable(project: Project, cls: ClassInfo, own: objects.Member) -> bool:
    if not isinstance(own.node, objects.Function):
        return True
    return any(
        m.name == NAME and "setter" in objects.decorators(m)
        for _, m in objects.methods(project, cls)
    )


def _assignments(node: objects.Function) -> list[ast.stmt]:
    return [
        n
        for n in walk(node)
        if isinstance(n, ast.Assign | ast.AnnAssign)
        and any(
            dotted(t) == f"self.{NAME}"
            for t in (n.targets if isinstance(n, ast.Assign) else [n.target])
        )
    ]
