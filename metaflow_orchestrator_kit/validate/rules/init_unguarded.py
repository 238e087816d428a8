from __future__ import annotations

import ast
import re
from collections.abc import Collection

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import nodes, terminal, words_of
from metaflow_orchestrator_kit.validate.walking import walk

_UNIT = regex(r"(?:^|_)(?:task|op|activity|asset|defn|component)$")
_COMMON = frozenset(["run", "execute", "main", "call", "start", "submit", "get", "create"])
_ATTEMPT = frozenset(["attempt", "retry_count", "retry_number", "run_count", "try_number"])


class InitRunAgain(Rule):
    """A unit that the scheduler retries runs `init`, then the entry step, and does not look first.

    When the entry step fails and is retried, `init` runs again and writes the parameters anew,
    perhaps with other values. Ask `dump --max-value-size=0 <run>/_parameters/<task>` whether they
    are there, or give `init` a unit of its own that is not retried.
    """

    code = "MOK254"
    name = "init-run-again"
    clauses = ("E4", "H9")
    severity = Severity.ERROR

    VALID = (
        Example("guarded by dump", compiler("""\
        @task(retries=2)
        def start(run):
            dump = ["python", "flow.py", "dump", "--max-value-size=0", f"{run}/_parameters/p"]
            if execute(dump):
                execute(["python", "flow.py", "init", "--run-id", run, "--task-id", "p"])
            execute(["python", "flow.py", "step", "start", "--run-id", run, "--task-id", "t"])
        """)),
        Example("a unit of its own", compiler("""\
        @task
        def init(run):
            execute(["python", "flow.py", "init", "--run-id", run, "--task-id", "p"])
        @task(retries=2)
        def start(run):
            execute(["python", "flow.py", "step", "start", "--run-id", run, "--task-id", "t"])
        """)),
    )  # fmt: skip
    INVALID = (
        Example("both in one", compiler("""\
        @task(retries=2)
        def start(run):
            init = ["python", "flow.py", "init", "--run-id", run, "--task-id", "p"]  # <-- here
            execute(init)
            execute(["python", "flow.py", "step", "start", "--run-id", run, "--task-id", "t"])
        """)),
        Example("by functions", compiler("""\
        def run_init(run):
            execute(["python", "flow.py", "init", "--run-id", run, "--task-id", "p"])  # <-- here
        def run_step(run, node):
            execute(["python", "flow.py", "step", node, "--run-id", run, "--task-id", "t"])
        @op(retry_policy=POLICY)
        def start(context):
            run_init(context.run)
            run_step(context.run, "start")
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no `init` is run by a function that the scheduler retries")
        guards = [c for c in analysis.of_kind("dump") if not _idle(analysis, c)]
        if guards and analysis.of_kind("init"):
            verdict.ok(guards[0].origin, "`dump` is asked before `init`")
            return
        functions = _functions(analysis)
        units = [(m, f) for m, f in functions if any(map(_makes_unit, f.decorator_list))]
        if not units:
            return
        inits = {f.name: (m, n) for m, f in functions if (n := _builds(f, "init")) is not None}
        steps = {f.name for _, f in functions if _builds(f, "step") is not None}
        for _ in range(2):
            steps |= {f.name for _, f in functions if _calls(f, steps)}
        for module, unit in units:
            found = inits.get(unit.name) or next((inits[n] for n in _calls(unit, inits)), None)
            if found is None:
                continue
            if (unit.name not in steps and not _calls(unit, steps)) or _asks_attempt(unit):
                verdict.ok(analysis.place(module, unit), "`init` is not run again")
                continue
            verdict.fail(
                analysis.place(*found),
                "a function that the scheduler retries runs `init` and the entry step",
                "Run `init` only when `dump` does not find `_parameters`.",
                confidence=Confidence.MEDIUM,
            )


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _idle(analysis: Analysis, guard: Command) -> bool:
    """Whether a private function builds the command, and nothing calls that function."""
    name = getattr(guard.function.node, "name", "") if guard.function else ""
    return name.startswith("_") and not any(
        terminal(n) == name for _, n in nodes(analysis, ast.Name, ast.Attribute)
    )


def _makes_unit(decorator: ast.expr) -> bool:
    return _UNIT.search(terminal(decorator)) is not None


def _functions(analysis: Analysis) -> list[tuple[Module, Function]]:
    found = nodes(analysis, ast.FunctionDef, ast.AsyncFunctionDef)
    return [(m, n) for m, n in found if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def _builds(function: Function, kind: str) -> ast.AST | None:
    """Where the function names the sub-command *kind*, when it gives it a run or a task id."""
    named: ast.AST | None = None
    given = False
    for node in walk(function):
        value = node.value if isinstance(node, ast.Constant) else None
        if not isinstance(value, str):
            continue
        if value == kind or re.search(rf"(?:^|\s){kind}\s(?:.*\s)?--(?:run|task)-id", value):
            named = named or node
        given = given or "--run-id" in value or "--task-id" in value
    return named if given else None


def _asks_attempt(unit: Function) -> bool:
    """Whether something in it depends on which attempt it is."""
    return any(isinstance(n, ast.If) and words_of(n.test) & _ATTEMPT for n in walk(unit))


def _calls(function: Function, names: Collection[str]) -> list[str]:
    """Which of the named functions it calls."""
    called = (terminal(n.func) for n in walk(function) if isinstance(n, ast.Call))
    return [name for name in called if name in names and name not in _COMMON]
