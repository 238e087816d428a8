from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.options import names_before
from metaflow_orchestrator_kit.validate.rules.syntax import calls, function_of, words_of
from metaflow_orchestrator_kit.validate.walking import walk

HOOK = "make_decorator_spec"


class StaticDecoratorsSentAgain(Rule):
    """Decorators that stand in the flow, or that a mutator inserts, are sent along with `--with`.

    A task gets them by importing the flow. Sent again they raise for user decorators and for
    those that may stand several times, or take effect twice; a list of names to leave out knows
    only the decorators of today. Forward a decorator when it is not `statically_defined` and
    its `inserted_by` is None.
    """

    code = "MOK211"
    name = "static-decorators-sent-again"
    clauses = ("D9",)
    severity = Severity.WARNING

    VALID = (
        Example("both conditions", compiler("""\
        def specs(node):
            for deco in node.decorators:
                if deco.statically_defined or deco.inserted_by:
                    continue
                yield deco.make_decorator_spec()
        """)),
    )  # fmt: skip
    INVALID = (
        Example("all of them", compiler("""\
        def specs(node):
            return ["--with=%s" % d.make_decorator_spec() for d in node.decorators]  # <-- here
        """)),
        Example("all but a list of names", compiler("""\
        def decorator_specs(node):
            for deco in node.decorators:
                if deco.name not in ("retry", "timeout"):
                    yield deco.make_decorator_spec()  # <-- here
        def command(node):
            top = ["python", "flow.py"]
            for spec in decorator_specs(node):
                top.append("--with=%s" % spec)
            return top + ["step", node.name, "--run-id", "r", "--task-id", "t"]
        """)),
        Example("only one of the conditions", compiler("""\
        def specs(node):
            dynamic = [d for d in node.decorators if not d.statically_defined]
            return ["--with=" + d.make_decorator_spec() for d in dynamic]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable(f"{HOOK}() is not called")
        for module, call in calls(analysis, HOOK):
            function = function_of(analysis, call)
            known = words_of(function) if function is not None else set[str]()
            place = analysis.place(module, call)
            static, inserted = "statically_defined" in known, "inserted_by" in known
            if static and inserted:
                verdict.ok(place, "only dynamic decorators are forwarded")
            elif not _forwarded(analysis, function):
                verdict.unsure(place, "whether these decorators reach a command is not seen")
            elif static:
                verdict.fail(
                    place,
                    "decorators that a mutator inserted are forwarded too",
                    "Forward a decorator only when its `inserted_by` is None as well.",
                )
            else:
                verdict.fail(
                    place,
                    "decorators that stand in the flow are forwarded too",
                    "Forward a decorator only when it is not `statically_defined` and its "
                    "`inserted_by` is None.",
                )


def _forwarded(analysis: Analysis, function: ast.AST | None) -> bool:
    """Whether what *function* collects ends up in an option ``--with``."""
    if function is None:
        return False
    strings = (n.value for n in walk(function) if isinstance(n, ast.Constant))
    if any(isinstance(s, str) and s.startswith("--with") for s in strings):
        return True
    name = getattr(function, "name", "")
    for command in analysis.of_kind("step"):
        reached = names_before(analysis, command, "--with")
        if HOOK in reached or any(len(n) > 4 and n in name for n in reached):
            return True
    return False
