"""Whether there is an orchestrator at all: extensions of Metaflow bring other things as well."""

from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.plugins import deployer_types, subclasses
from metaflow_orchestrator_kit.validate.rules.base import Rule

NOTE = "this extension brings no scheduler"

#: Said of any folder: it cannot be read, it is no extension.
_OF_EVERYTHING = frozenset(["MOK000", "MOK001"])


def is_other_extension(analysis: Analysis) -> bool:
    """Whether nothing in what was found starts flows elsewhere.

    It has no deployer and no class of one, never runs `init`, and has no commands through which a
    scheduler is used. Who only runs single steps is a place to compute, such as `@kubernetes`:
    its own `step` command, or its decorator, stands in for the one of Metaflow.
    """
    known = analysis.memo.get(NOTE)
    if isinstance(known, bool):
        return known
    project = analysis.project
    answer = bool(
        project.modules
        and not deployer_types(project)
        and not subclasses(project, "DeployerImpl", "DeployedFlow", "TriggeredRun")
        and not analysis.of_kind("init")
        and (not analysis.of_kind("step") or _computes(analysis))
        and not clicks.scheduler_commands(project, "create", "trigger")
    )
    analysis.memo[NOTE] = answer
    return answer


def _computes(analysis: Analysis) -> bool:
    """Whether steps are run in place of Metaflow's own, for a decorator."""
    project = analysis.project
    return any(c.name == "step" and not c.is_group for c in clicks.commands(project)) or any(
        isinstance(statement, ast.FunctionDef) and statement.name == "runtime_step_cli"
        for cls in project.classes()
        for statement in cls.node.body
    )


def applies(rule: type[Rule], analysis: Analysis) -> bool:
    """Whether a rule is about what there is: all extensions are packaged (group A), few deploy."""
    if not is_other_extension(analysis):
        return True
    if not analysis.project.extensions:
        return rule.code in _OF_EVERYTHING
    return any(c.startswith("A") for c in rule.clauses)
