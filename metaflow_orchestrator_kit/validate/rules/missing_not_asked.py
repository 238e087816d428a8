from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_module
from metaflow_orchestrator_kit.validate.rules.syntax import terminal
from metaflow_orchestrator_kit.validate.walking import source, walk

_CLIENT = """\
class Client:
    def workflow(self, name):
        answer = requests.get(name, timeout=9)
        if answer.status_code == 404:
            return None
        return answer.json()

class AcmeDeployedFlow(DeployedFlow):
    @classmethod
    def from_deployment(cls, identifier, metadata=None):
        found = Client().workflow(identifier)
"""
_BACK = '        return restored(found["name"], found["flow"])\n'


class MissingNotAsked(Rule):
    """A deployment is looked up, may not be there, and is used as if it were.

    The look-up answers None for what the scheduler does not know: a mistyped name, a deployment
    that was deleted. Users then see `'NoneType' object has no attribute 'get'` and not which
    deployment was not found.
    """

    code = "MOK863"
    name = "missing-deployment-not-asked-for"
    clauses = ("B11",)
    severity = Severity.WARNING

    VALID = (
        Example("asked", objects_module(
            _CLIENT + "        if found is None:\n            raise NotThere()\n" + _BACK)),
        Example("by its truth", objects_module(
            _CLIENT + "        if not found:\n            raise NotThere()\n" + _BACK)),
    )  # fmt: skip
    INVALID = (
        Example("not asked", objects_module(
            _CLIENT + _BACK.replace("\n", "  # <-- here\n"))),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("from_deployment looks nothing up that may be missing")
        optional = _optional(analysis)
        for cls in objects.leaves(analysis.project, objects.DEPLOYED_FLOW):
            found = objects.member(analysis.project, cls, "from_deployment")
            if found is None or not isinstance(found.node, objects.Function):
                continue
            for name, by, used in _used(found.node, optional):
                place = analysis.place(found.owner.module, used)
                if _is_asked(found.node, name):
                    verdict.ok(place, f"`{name}` is asked for before it is used")
                    continue
                text = f"`{name}` is None here when {by}() does not find it"
                fix = "Raise an error that names the deployment when there is none."
                verdict.fail(place, text, fix, confidence=Confidence.MEDIUM)


def _optional(analysis: Analysis) -> set[str]:
    """Functions of one definition each that answer None besides something else."""
    answers: dict[str, list[bool]] = {}
    for module in analysis.project.modules:
        for function in walk(module.tree):
            if isinstance(function, objects.Function):
                returned = [n for n in walk(function) if isinstance(n, ast.Return)]
                nothing = [_is_none(r) for r in returned]
                answers.setdefault(function.name, []).append(any(nothing) and not all(nothing))
    return {name for name, found in answers.items() if found == [True]}


def _is_none(answer: ast.Return) -> bool:
    return isinstance(answer.value, ast.Constant) and answer.value.value is None


def _used(function: objects.Function, optional: set[str]) -> Iterator[tuple[str, str, ast.AST]]:
    """Variables that such a function gave, which function, and where they are first read from."""
    for node in walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=func)):
                if terminal(func) not in optional:
                    continue
                reads = [n for n in walk(function) if _reads_from(n, name)]
                if reads:
                    yield name, terminal(func), min(reads, key=lambda n: getattr(n, "lineno", 0))
            case _:
                pass


def _reads_from(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Subscript(value=ast.Name(id=owner)) | ast.Attribute(value=ast.Name(id=owner)):
            return owner == name
        case _:
            return False


def _is_asked(function: objects.Function, name: str) -> bool:
    """Whether anything hangs on the variable, or an error in using it is expected."""
    for node in walk(function):
        if isinstance(node, ast.Try):
            return True
        test = node.test if isinstance(node, ast.If | ast.IfExp | ast.While | ast.Assert) else None
        if isinstance(node, ast.BoolOp):
            test = node.values[0]
        if test is not None and name in source(test):
            return True
    return False
