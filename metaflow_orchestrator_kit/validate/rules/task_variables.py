"""Which variables of the environment the tasks are given."""

from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate import env
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import Const, Origin
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge
from metaflow_orchestrator_kit.validate.rules.commands import by_place, nothing_launched
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import calls, index
from metaflow_orchestrator_kit.validate.walking import walk


def set_for_tasks(name: str) -> tuple[Example, ...]:
    """Good examples of a rule that wants a variable set for the tasks."""
    return (
        Example("in the environment", compiler(f"""\
        def command(node, value):
            env = {{"{name}": value}}
            return ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"], env
        """)),
        Example("in a shell line", compiler(f"""\
        def command(node, value):
            step = f"python flow.py step {{node}} --run-id r --task-id t"
            return f"export {name}={{value}} && " + step
        """)),
    )  # fmt: skip


def set_by_nobody(name: str) -> tuple[Example, ...]:
    """Bad examples of such a rule."""
    return (
        Example("nowhere", compiler(f"""\
        def command(node):
            # {name} is set by somebody else
            return ["python", "flow.py", "step", node, "--run-id", "r"]  # <-- here
        """)),
    )  # fmt: skip


def _only_named(name: str) -> str:
    return f"{name} is named, but not seen to be set"


def written(analysis: Analysis, *names: str) -> list[Origin]:
    """Where one of the variables is set to something, for a task or for the process itself."""
    return [
        w.origin
        for w in analysis.environment
        if any(env.matches(w, name) for name in names)
        and not (isinstance(w.value, Const) and w.value.value is None)
    ]


def given_by_platform(analysis: Analysis) -> Origin | None:
    """Where a compute platform of Metaflow makes the job, with an environment of its own."""
    for module, call in calls(analysis, "create_job", "create_jobset"):
        return analysis.place(module, call)
    return None


def copied(analysis: Analysis, *names: str) -> Origin | None:
    """Where all variables whose names begin like one of these are handed on."""
    for module, call in calls(analysis, "startswith"):
        prefixes = {
            c.value
            for argument in call.args
            for c in walk(argument)
            if isinstance(c, ast.Constant) and isinstance(c.value, str)
        }
        wide = [p for p in prefixes if p.startswith("METAFLOW_")]
        if any(name.startswith(p) for p in wide for name in names):
            return analysis.place(module, call)
    return None


def judge_variables(
    analysis: Analysis,
    judge: Judge,
    names: tuple[str, ...],
    *,
    message: str,
    help: str,
    severity: Severity | None = None,
) -> None:
    """Fail at the first step when nothing in the project sets or names any of the variables."""
    if nothing_launched(analysis, judge):
        return
    places = written(analysis, *names)
    if places:
        judge.ok(places[0], f"{names[0]} is set")
        return
    platform = given_by_platform(analysis)
    if platform is not None:
        judge.unsure(platform, f"whether the job of the platform has {names[0]} is not seen")
        return
    prefix = copied(analysis, *names)
    if prefix is not None:
        judge.unsure(prefix, f"{names[0]} is handed on where it is set at create")
        return
    word = re.compile(r"(?<![A-Z_])(?:" + "|".join(names) + r")(?![A-Z_])")
    for module, node in index(analysis).strings:
        if isinstance(node.value, str) and word.search(node.value):
            judge.unsure(analysis.place(module, node), _only_named(names[0]))
            return
    place = next(iter(by_place(analysis, "step")))
    judge.fail(place, message, help, severity=severity, confidence=Confidence.MEDIUM)
