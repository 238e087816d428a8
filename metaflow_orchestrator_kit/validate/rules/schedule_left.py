from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.walking import names, walk

_MAKES = regex(
    r"^_?(?:create|put|upsert|add|register|set|make|ensure|deploy)_?\w*(?:schedule|cron_?job|sensor)s?$"
)
_REMOVES = regex(
    r"(?:delete|remove|drop|unschedule|unregister|disable|pause|clear|clean|prune|deactivate|stop|archive)\w*",
)
_OF_SCHEDULE = regex(r"schedule|cron|sensor|trigger", re.I)
_HEAD = """\
class Client:
    def deploy(self, name, spec, cron):
        self.api.put_workflow(name, spec)
        if cron:
            self.api.put_schedule(name, cron)  # <-- here
"""


class ScheduleLeft(Rule):
    """A schedule that is gone from the flow goes on starting it.

    The schedule is an object of its own at the scheduler. Where `@schedule` was taken away, or the
    deployment deleted, nothing removes that object: the flow keeps starting at night, or fails
    every hour because its deployment is gone.

    Remove it when a flow without one is deployed, and in `delete`.
    """

    code = "MOK552"
    name = "schedule-left-behind"
    clauses = ("J9", "L4")
    severity = Severity.ERROR

    VALID = (
        Example("removed as well", compiler(_HEAD.replace("  # <-- here", "") + """\
        else:
            self.api.delete_schedule(name)
""")),
    )  # fmt: skip
    INVALID = (
        Example("only made", compiler(_HEAD)),
        Example("a sensor", compiler("""\
        def deploy(client, sensor):
            if sensor is not None:
                client.register_sensor(sensor)  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        made = list(_made(analysis))
        if not made:
            verdict.not_applicable("no schedule is made by a call of its own")
            return
        program, call = made[0]
        removing = list(_removing(analysis))
        kind = called(call)
        if not removing:
            text = f"what `{kind}` makes is never removed again"
            fix = "Remove it when a flow without one is deployed, and in `delete`."
            verdict.fail(program.place(call), text, fix, confidence=Confidence.MEDIUM)
            return
        for command in clicks.scheduler_commands(analysis.project, "delete"):
            if not _reaches(analysis, command.node, removing):
                where = command.origin._replace(end_line=command.origin.line)
                text = f"`delete` leaves behind what `{kind}` made"
                fix = "Remove the schedule before the deployment."
                verdict.fail(where, text, fix, confidence=Confidence.MEDIUM)
        verdict.ok(program.place(call), "schedules are removed as well")


def _made(analysis: Analysis) -> Iterator[tuple[Program, ast.Call]]:
    """Calls that make a schedule at the scheduler, under the condition that there is one."""
    for program in programs(analysis):
        for call in program.nodes(ast.Call):
            if not isinstance(call.func, ast.Attribute) or program.generated:
                continue
            if not _MAKES.search(call.func.attr):
                continue
            receiver = call.func.value
            if isinstance(receiver, ast.Name) and receiver.id in ("self", "cls"):
                continue
            if any(isinstance(o, ast.If) for o in program.parents(call)):
                yield program, call


def _removing(analysis: Analysis) -> Iterator[str]:
    """The names of functions called that remove, where the name or an argument says of what."""
    for program in programs(analysis):
        for call in program.nodes(ast.Call):
            name = called(call)
            if not _REMOVES.search(name):
                continue
            said = [name, *(n for n in names(call))]
            said += [n.attr for n in walk(call) if isinstance(n, ast.Attribute)]
            said += [str(n.value) for n in walk(call) if isinstance(n, ast.Constant)]
            if any(_OF_SCHEDULE.search(word) for word in said):
                yield name


def _reaches(analysis: Analysis, start: ast.AST, wanted: list[str]) -> bool:
    """Whether a function of a wanted name is called, through functions known by their names."""
    bodies: dict[str, list[ast.AST]] = {}
    for module in analysis.project.modules:
        for node in walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                bodies.setdefault(node.name, []).append(node)
    waiting, seen = [start], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        for call in walk(node):
            if isinstance(call, ast.Call):
                name = called(call)
                if name in wanted:
                    return True
                waiting.extend(bodies.get(name, ()))
    return False
