"""Whether there is an orchestrator at all: extensions of Metaflow bring other things as well."""

from __future__ import annotations

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.plugins import deployer_types, entries, subclasses
from metaflow_orchestrator_kit.validate.rules.base import Rule

NOTE = "this extension brings no scheduler"


def is_other_extension(analysis: Analysis) -> bool:
    """Whether what was found registers plugins, and nothing in it starts flows elsewhere.

    It has no deployer and no class of one, launches no `init` or `step`, and has no commands
    through which a scheduler is used.
    """
    project = analysis.project
    known = analysis.memo.get(NOTE)
    if isinstance(known, bool):
        return known
    answer = bool(
        any(True for _ in entries(project))
        and not deployer_types(project)
        and not subclasses(project, "DeployerImpl", "DeployedFlow", "TriggeredRun")
        and not analysis.of_kind("init", "step")
        and not clicks.scheduler_commands(project, "create", "trigger")
    )
    analysis.memo[NOTE] = answer
    return answer


def applies(rule: type[Rule], analysis: Analysis) -> bool:
    """Whether a rule is about what there is: all extensions are packaged (group A), few deploy."""
    return not is_other_extension(analysis) or any(c.startswith("A") for c in rule.clauses)
