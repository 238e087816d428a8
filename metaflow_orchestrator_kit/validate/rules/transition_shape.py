from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.decision_artifacts import BRANCH, readers
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal
from metaflow_orchestrator_kit.validate.walking import walk


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
    )  # fmt: skip
    INVALID = (
        Example("the list as text", compiler("""\
        def chosen(task):
            transition = task["_transition"]
            return str(transition[0])  # <-- here
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
            wrong = _misread(function)
            if not wrong:
                verdict.ok(analysis.place(module, function), f"{BRANCH} is not taken for a name")
            for node in wrong:
                verdict.fail(
                    analysis.place(module, node),
                    f"`{ast.unparse(node)}` is the text of a list, not the name of a step",
                    f"Take `{BRANCH}[0][0]`: it is ([chosen], None).",
                )


def _misread(function: ast.AST) -> list[ast.Call]:
    """Calls of ``str`` on the pair or on its list."""
    holders = {
        t.id
        for n in walk(function)
        if isinstance(n, ast.Assign) and _reads(n.value)
        for t in n.targets
        if isinstance(t, ast.Name)
    }
    return [
        n
        for n in walk(function)
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Name)
        and n.func.id == "str"
        and n.args
        and _is_pair(n.args[0], holders)
    ]


def _is_pair(node: ast.expr, holders: set[str]) -> bool:
    """``transition`` or ``transition[0]``, but not ``transition[0][0]``."""
    if isinstance(node, ast.Subscript) and literal(node.slice) == 0:
        node = node.value
    return _reads(node) or (isinstance(node, ast.Name) and node.id in holders)


def _reads(node: ast.expr) -> bool:
    match node:
        case ast.Subscript(slice=ast.Constant(value="_transition")):
            return True
        case ast.Attribute(attr="_transition"):
            return True
        case ast.Attribute(attr="data", value=value):
            return _reads(value)
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value="_transition"), *_]):
            return True
        case _:
            return False
