from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.decision_artifacts import BRANCH, readers
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import above, calls
from metaflow_orchestrator_kit.validate.rules.transition_misreads import misread


class TransitionMisread(Rule):
    """The chosen branch is read from `_transition` as if it were a list of names.

    `_transition` of a switch is `([chosen], None)`: a pair of the list of steps and the foreach
    variable. `str(transition[0])` is "['chosen']", which is the name of no step, so no branch
    runs or a default does. Take `transition[0][0]`.
    """

    code = "MOK313"
    name = "transition-misread"
    clauses = ("F13",)
    severity = Severity.ERROR

    VALID = (
        Example("the first of the list", compiler("""\
        def chosen(task):
            transition = task["_transition"]
            return str(transition[0][0])
        """)),
        Example("the first of the list, in two steps", compiler("""\
        def chosen(task):
            chosen = task["_transition"][0]
            return chosen[0]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the list as text", compiler("""\
        def chosen(task):
            transition = task["_transition"]
            return str(transition[0])  # <-- here
        """)),
        Example("the list, returned as the branch", compiler("""\
        def chosen_step(task):
            transition = task["_transition"]
            return transition[0]  # <-- here
        """)),
        Example("the list, for a variable that holds one", compiler("""\
        def read(task):
            transition = task["_transition"]
            return transition[0]  # <-- here
        def after(task):
            chosen_branch = read(task)
            return chosen_branch
        """)),
        Example("the list, handed on as the branch", compiler("""\
        def task_finished(flow, handout):
            handout["chosen"] = flow._transition[0]  # <-- here
        """)),
        Example("all of it as text", compiler("""\
        def chosen(datastore):
            return str(datastore["_transition"])  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable(f"nothing reads {BRANCH}")
        for module, function, known in readers(analysis):
            if BRANCH not in known:
                continue
            wrong = misread(function, _fills(analysis, function))
            if not wrong:
                verdict.ok(analysis.place(module, function), f"{BRANCH} is not taken for a name")
            if wrong:
                node = wrong[0]
                what = "the text of a list" if isinstance(node, ast.Call) else "a list"
                verdict.fail(
                    analysis.place(module, node),
                    f"`{ast.unparse(node)}` is {what}, not the name of a step",
                    f"Take `{BRANCH}[0][0]`: it is ([chosen], None).",
                )


def _fills(analysis: Analysis, function: ast.AST) -> set[str]:
    """The variables that get what the function answers."""
    found: set[str] = set()
    for _, call in calls(analysis, getattr(function, "name", "")):
        match next(iter(above(analysis, call)), None):
            case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)]):
                found.add(name)
            case ast.keyword(arg=str(name)):
                found.add(name)
            case _:
                pass
    return found
