from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import header_of, origin_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import DEPLOYER_TEXT, deployer
from metaflow_orchestrator_kit.validate.walking import walk

_FIX = "return self._create(<the DeployedFlow class>, **kwargs), and let errors through."


def _create(body: str) -> Mapping[str, str]:
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    return deployer(f"{DEPLOYER_TEXT}    def create(self, **kwargs):\n{lines}")


class CreateNotDelegated(Rule):
    """A deployer's `create` does the work itself, or answers None when it failed.

    `_create` of the base class runs the `create` command in the deployer's directory, environment
    and profile, resolves configs there, waits with a time limit, and raises when the command
    fails. A re-implementation deploys with other settings than the user gave; one that answers
    None moves the error to the next line: "'NoneType' object has no attribute 'trigger'".

    Return what `_create` returns.
    """

    code = "MOK113"
    name = "create-not-delegated"
    clauses = ("B2",)
    severity = Severity.ERROR

    VALID = (
        Example("handed over", _create(
            "from .acme_objects import AcmeDeployedFlow\n"
            "return self._create(AcmeDeployedFlow, **kwargs)")),
        Example("handed over, then completed", _create(
            "flow = self._create(object, **kwargs)\nflow.more = 1\nreturn flow")),
    )  # fmt: skip
    INVALID = (
        Example("done by hand", deployer(
            f"import subprocess\n{DEPLOYER_TEXT}"
            "    def create(self, **kwargs):  # <-- here\n"
            "        subprocess.run(['python', self.flow_file, 'acme', 'create'])\n"
            "        return object()\n")),
        Example("None after a failure", _create(
            "try:\n    return self._create(object, **kwargs)\n"
            "except Exception:\n    return None  # <-- here")),
        Example("nothing returned", deployer(
            f"{DEPLOYER_TEXT}    def create(self, **kwargs):  # <-- here\n"
            "        self._create(object, **kwargs)\n")),
        Example("not there", deployer(DEPLOYER_TEXT.replace("Impl):", "Impl):  # <-- here"))),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        found = objects.leaves(project, objects.DEPLOYER)
        if not found:
            verdict.not_applicable("no deployer is defined here")
        for cls in found:
            where = header_of(cls.module, cls.node)
            create = objects.member(project, cls, "create")
            if create is None or not isinstance(create.node, objects.Function):
                if objects.foreign_bases(project, cls, objects.DEPLOYER):
                    verdict.unsure(where, f"`{cls.name}` has a base that was not read")
                else:
                    verdict.fail(where, f"`{cls.name}` has no method `create`", _FIX)
                continue
            reached = [create.node, *_helpers(analysis, create)]
            if not any(map(_hands_over, reached)):
                verdict.fail(create.origin, "`create` does not hand over to `_create`", _FIX)
                continue
            nothing = _nothing(create.node)
            if nothing is not None:
                place = nothing if isinstance(nothing, ast.Return) else create.node
                origin = (
                    create.origin if place is create.node
                    else origin_of(create.owner.module, place)
                )  # fmt: skip
                verdict.fail(origin, "`create` may answer None instead of raising", _FIX)
            else:
                verdict.ok(create.origin, "`create` answers what `_create` does")


def _helpers(analysis: Analysis, create: objects.Member) -> Iterator[objects.Function]:
    for name in objects.called(create.node):
        if name.startswith("self."):
            found = objects.member(analysis.project, create.owner, name.removeprefix("self."))
            if found is not None and isinstance(found.node, objects.Function):
                yield found.node


def _hands_over(node: ast.AST) -> bool:
    called = objects.called(node)
    return bool(called & {"self._create", "super._create", "super.create"})


def _nothing(node: objects.Function) -> ast.AST | None:
    """A return without a value, or the function itself when it never returns one."""
    returns = [n for n in walk(node) if isinstance(n, ast.Return)]
    for found in returns:
        if found.value is None:
            return found
        if isinstance(found.value, ast.Constant) and found.value.value is None:
            return found
    return None if returns else node
