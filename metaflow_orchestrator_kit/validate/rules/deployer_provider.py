from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import ClassInfo, Origin
from metaflow_orchestrator_kit.validate.project import Extension, Module, Project
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import CONFIG, DEPLOYER, DEPLOYER_TEXT
from metaflow_orchestrator_kit.validate.scope import is_other_extension
from metaflow_orchestrator_kit.validate.walking import walk

NAME = "DEPLOYER_IMPL_PROVIDERS_DESC"
_FIX = f'{NAME} = [("<type>", ".<package>.<module>.<Class>")], with Class.TYPE == "<type>".'


class DeployerProviderBroken(Rule):
    """DEPLOYER_IMPL_PROVIDERS_DESC is missing, malformed, or leads to the wrong class.

    Each entry is a pair of literals: the scheduler's type, and the path of a DeployerImpl class,
    relative to the plugins package. The class's TYPE has to be that same type. A path that leads
    nowhere, or another TYPE, makes `import metaflow` raise ValueError; a missing entry leaves
    `Deployer(flow).<type>()` undefined (a warning where there is no deployer class either).
    """

    code = "MOK002"
    name = "deployer-provider-broken"
    clauses = ("A5", "A4")
    severity = Severity.ERROR

    VALID = (
        Example("a literal pair", {}),
        Example("TYPE by a constant", {DEPLOYER: 'NAME = "acme"\n' + DEPLOYER_TEXT.replace(
            '"acme"', "NAME")}),
        Example("a class imported by the module that is named", {
            CONFIG: f'{NAME} = [("acme", ".acme.AcmeDeployer")]',
            "metaflow_extensions/acme/plugins/acme/__init__.py":
                "from .acme_deployer import AcmeDeployer",
        }),
    )  # fmt: skip
    INVALID = (
        Example("another TYPE", {DEPLOYER: DEPLOYER_TEXT.replace(
            'TYPE = "acme"', 'TYPE = "acne"  # <-- here')}),
        Example("a class that is not there", {
            CONFIG: f'{NAME} = [("acme", ".acme.acme_deployer.Deployer")]  # <-- here'}),
        Example("a module that is not there", {
            CONFIG: f'{NAME} = [("acme", ".acme.deployer.AcmeDeployer")]  # <-- here'}),
        Example("a string where a pair is needed", {
            CONFIG: f'{NAME} = ["acme"]  # <-- here'}),
        Example("only in a comment", {
            CONFIG: f'# {NAME} = [("acme", ".acme.x.X")]\nCLIS_DESC = []'}),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        deployers = [c for c in project.classes() if project.is_subclass(c, "DeployerImpl")]
        found = False
        for extension in project.extensions:
            for module in extension.configs:
                for node in _entries(module):
                    found |= self._entry(project, extension, module, node, verdict)
        if found or verdict.findings:
            return
        if any(e.unread for e in project.extensions):
            verdict.unsure(None, "the configuration module cannot be read")
        elif any(e.kind == "above" for e in project.extensions) and not deployers:
            verdict.not_applicable("this folder has no deployer, and none is registered for it")
        elif not project.extensions:
            verdict.unsure(None, "no extension was found, so nothing registers a deployer")
        elif is_other_extension(analysis):
            verdict.not_applicable("this extension brings no scheduler")
        else:
            configs = [m for e in project.extensions for m in e.configs]
            where = Origin(configs[0].path, 1, 1, 1) if configs else None
            # Legal, as in Metaflow's own Airflow plugin: what can be deployed by the shell only.
            alone = None if deployers else Severity.WARNING
            verdict.fail(where, f"no deployer is registered in {NAME}", _FIX, severity=alone)

    def _entry(
        self,
        project: Project,
        extension: Extension,
        module: Module,
        node: ast.expr,
        verdict: Judge,
    ) -> bool:
        origin = Origin(module.path, node.lineno, module.column(node), node.end_lineno or 1)
        pair = _literal_pair(node)
        if pair is None:
            verdict.fail(origin, f"an entry of {NAME} is not a pair of literal strings", _FIX)
            return True
        name, path = pair
        target = _target(module, path)
        if target is None:
            # Registered above DIR, for another package.
            return False
        dotted, _, class_name = target.rpartition(".")
        home = project.find_module(dotted, module)
        if home is None:
            verdict.fail(origin, f"`{path}` names a module that does not exist", _FIX)
            return True
        cls = project.resolve_class(class_name, home)
        if cls is None:
            verdict.fail(origin, f"`{path}`: {home.path} has no class `{class_name}`", _FIX)
            return True
        self._type(project, cls, name, origin, verdict)
        return True

    def _type(
        self, project: Project, cls: ClassInfo, name: str, origin: Origin, verdict: Judge
    ) -> None:
        for owner in project.ancestry(cls):
            for statement, value in _type_assignments(owner):
                literal = _constant(value, owner.module, project)
                place = Origin(
                    owner.module.path, statement.lineno, owner.module.column(statement),
                    statement.end_lineno or statement.lineno,
                )  # fmt: skip
                if literal is None:
                    verdict.unsure(place, f"the TYPE of `{cls.name}` is computed")
                elif literal != name:
                    verdict.fail(
                        place,
                        f"`{cls.name}.TYPE` is {literal!r} but it is registered as {name!r}",
                        "Give the entry and the class the same name.",
                    )
                else:
                    verdict.ok(place, f"`{name}` leads to `{cls.name}`, whose TYPE is the same")
                return
        where = Origin(cls.module.path, cls.node.lineno, 1, cls.node.lineno)
        verdict.fail(where, f"`{cls.name}` has no TYPE", f'Add TYPE = "{name}" to the class.')


def _entries(module: Module) -> Iterator[ast.expr]:
    for node in walk(module.tree):
        targets: list[ast.expr] = []
        value: ast.expr | None = None
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets, value = [node.target], node.value
        if any(isinstance(t, ast.Name) and t.id == NAME for t in targets):
            yield from (
                value.elts
                if isinstance(value, ast.List | ast.Tuple)
                else ([value] if value is not None else [])
            )


def _literal_pair(node: ast.expr) -> tuple[str, str] | None:
    if not isinstance(node, ast.Tuple | ast.List) or len(node.elts) != 2:
        return None
    values = [e.value for e in node.elts if isinstance(e, ast.Constant)]
    if len(values) == 2 and isinstance(values[0], str) and isinstance(values[1], str):
        return values[0], values[1]
    return None


def _target(module: Module, path: str) -> str | None:
    """The dotted name that an entry leads to; None when it is not below DIR."""
    if module.outside:
        below = module.dotted.removeprefix("\0")
        inside = path.lstrip(".").removeprefix(f"{below}.")
        return inside if inside != path.lstrip(".") else None
    if path.startswith("."):
        return f"{module.package}{path}" if module.package else path[1:]
    return path


def _type_assignments(cls: ClassInfo) -> Iterator[tuple[ast.stmt, ast.expr]]:
    for node in cls.node.body:
        if isinstance(node, ast.Assign):
            if any(isinstance(t, ast.Name) and t.id == "TYPE" for t in node.targets):
                yield node, node.value
        elif (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.target.id == "TYPE"
            and node.value is not None
        ):
            yield node, node.value


def _constant(node: ast.expr, module: Module, project: Project) -> str | None:
    """The string that an expression is: a literal, or a constant of this or another module."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.Name):
        return None
    for statement in module.tree.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == node.id for t in statement.targets
        ):
            return _constant(statement.value, module, project)
    if node.id in module.imports:
        base, attribute = module.imports[node.id]
        target = project.find_module(base, module)
        if target is not None and attribute and target is not module:
            return _constant(ast.Name(attribute, ast.Load()), target, project)
    return None
