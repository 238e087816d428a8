"""Whether there is an orchestrator at all: extensions of Metaflow bring other things as well."""

from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.plugins import deployer_types, subclasses
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Rule
from metaflow_orchestrator_kit.validate.walking import nodes_of

NOTE = "this extension brings no scheduler"
NOTHING = "there is no code here"

#: An option, or the beginning of one to which its name is added.
_OPTION = regex(r"--(?:[a-z%{$]|$)")

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
    answer = _starts_nothing(analysis)
    analysis.memo[NOTE] = answer
    return answer


def _starts_nothing(analysis: Analysis) -> bool:
    project = analysis.project
    if (
        not project.modules
        or deployer_types(project)
        or subclasses(project, "DeployerImpl", "DeployedFlow", "TriggeredRun")
        or clicks.scheduler_commands(project, "create", "trigger")
    ):
        return False
    named = _named(analysis, "init", "step")
    if "init" in named and analysis.of_kind("init"):
        return False
    return _computes(analysis) or not ("step" in named and analysis.of_kind("step"))


def _named(analysis: Analysis, *kinds: str) -> set[str]:
    """The sub-commands that commands may be built of: strings have them, and an option.

    Code is followed only for these.
    """
    strings = _strings(analysis)
    if not any(map(_OPTION.search, strings)):
        return set()
    words = {kind: re.compile(rf"(?<![\w-]){kind}(?![\w-])") for kind in kinds}
    return {kind for kind, word in words.items() if any(map(word.search, strings))}


def _strings(analysis: Analysis) -> list[str]:
    """The text of template files, and the string constants of the modules, docstrings apart."""
    found = [text.skeleton() for text in analysis.templates]
    for module in analysis.project.modules:
        nodes = nodes_of(module.tree)
        docs = {id(statement.value) for statement in nodes.of(ast.Expr)}
        found.extend(
            constant.value
            for constant in nodes.of(ast.Constant)
            if isinstance(constant.value, str) and id(constant) not in docs
        )
    return found


def _computes(analysis: Analysis) -> bool:
    """Whether steps are run in place of Metaflow's own, for a decorator."""
    project = analysis.project
    return any(c.name == "step" and not c.is_group for c in clicks.commands(project)) or any(
        isinstance(statement, ast.FunctionDef) and statement.name == "runtime_step_cli"
        for cls in project.classes()
        for statement in cls.node.body
    )


def why_not(rule: type[Rule], analysis: Analysis) -> str:
    """Why a rule need not be asked, or "": all extensions are packaged (group A), few deploy."""
    project = analysis.project
    if not (project.modules or project.templates or project.problems):
        return "" if rule.code in _OF_EVERYTHING else NOTHING
    if not is_other_extension(analysis):
        return ""
    if not project.extensions:
        return "" if rule.code in _OF_EVERYTHING else NOTE
    return "" if any(c.startswith("A") for c in rule.clauses) else NOTE
