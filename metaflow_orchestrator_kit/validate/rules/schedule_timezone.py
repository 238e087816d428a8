from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, names_used, programs, source
from metaflow_orchestrator_kit.validate.rules.aliases import aliases, leaves, names_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.features import Function, handling
from metaflow_orchestrator_kit.validate.walking import walk

_NAMES = {"timezone", "tz", "time_zone", "timeZone", "time_zone_name", "cron_timezone"}
_FIX = 'Pass `deco.timezone` on to the scheduler, or raise "timezone is not supported".'


class ScheduleTimezone(Rule):
    """The timezone of @schedule is ignored.

    `@schedule(cron=..., timezone="Asia/Tokyo")` then fires at that hour of another place, without
    a word. Pass the timezone on, or refuse the flow.
    """

    code = "MOK513"
    name = "schedule-timezone-ignored"
    clauses = ("K1", "C10")
    severity = Severity.ERROR

    VALID = (
        Example("passed on", compiler("""\
        def schedule(flow):
            found = flow._flow_decorators.get("schedule")
            return {"cron": found[0].schedule, "tz": found[0].timezone} if found else None
        """)),
        Example("refused", compiler("""\
        def schedule(flow):
            found = flow._flow_decorators.get("schedule")
            if found and found[0].timezone is not None:
                raise ValueError("a schedule with a timezone is not supported")
            return found[0].schedule if found else None
        """)),
    )  # fmt: skip
    INVALID = (
        Example("only the cron line", compiler("""\
        def schedule(flow):
            found = flow._flow_decorators.get("schedule")  # <-- here
            return found[0].schedule if found else None
        """)),
        Example("the timezone of another place", compiler("""\
        def schedule(flow):
            for deco in flow._flow_decorators.get("schedule", []):  # <-- here
                return Schedule(deco.schedule, "UTC")

        def fire(schedule):
            return schedule.next_time(schedule.timezone)
        """)),
        Example("a timezone of something else", compiler("""\
        from datetime import datetime, timezone

        def schedule(flow):
            now = datetime.now(timezone.utc)
            found = flow._flow_decorators.get("schedule")  # <-- here
            return now, found[0].attributes["cron"] if found else None
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = [h for h in handling(analysis, "schedule") if not _only_whether(h[0], h[1])]
        if not found:
            verdict.not_applicable("@schedule is not looked at")
            return
        program, node, _ = found[0]
        if all(_keeps_to_itself(*handler) for handler in found):
            text = "the time of @schedule is read here, and its timezone is not"
            verdict.fail(program.place(node), text, _FIX)
            return
        named = _NAMES & (names_used(analysis) - _of_datetime(analysis))
        if (named and not _fixed(analysis)) or _read(analysis):
            verdict.ok(program.place(node), "the timezone is looked at as well")
            return
        text = "@schedule is read, its timezone is not"
        verdict.fail(program.place(node), text, _FIX)


def _only_whether(program: Program, node: ast.Constant) -> bool:
    """Whether it is only asked whether there is a schedule."""
    asked = next((o for o in program.parents(node) if not isinstance(o, ast.Call)), None)
    return isinstance(asked, ast.Compare) and any(
        isinstance(c, ast.Constant) and c.value is None for c in asked.comparators
    )


def _keeps_to_itself(program: Program, node: ast.Constant, function: Function) -> bool:
    """Whether a function reads the time, no timezone, and lets nobody else see the decorator."""
    known = aliases(function, names_of(program, node))
    owners = [
        (n.attr, n.value.value if isinstance(n.value, ast.Subscript) else n.value)
        for n in walk(function)
        if isinstance(n, ast.Attribute)
    ]
    reads = {attr for attr, o in owners if isinstance(o, ast.Name) and o.id in known}
    named = any(isinstance(n, ast.Constant) and n.value in _NAMES for n in walk(function))
    return (
        "schedule" in reads
        and not reads & _NAMES
        and not named
        and not leaves(program, function, known)
    )


def _read(analysis: Analysis) -> bool:
    """Whether something that is not the module `datetime` is asked for its timezone."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == "timezone"
        and source(node.value) not in ("datetime", "dt", "_dt", "_datetime")
        for program in programs(analysis)
        for node in program.nodes(ast.Attribute)
    )


def _fixed(analysis: Analysis) -> bool:
    """Whether all that is told of a timezone is a constant, under a key or as an argument."""
    given: list[ast.expr] = []
    for program in programs(analysis):
        if any(n.id in _NAMES for n in program.nodes(ast.Name)):
            return False
        for node in program.nodes(ast.Constant):
            if node.value in _NAMES and not program.is_text(node):
                holder = next(program.parents(node), None)
                if not isinstance(holder, ast.Dict) or all(k is not node for k in holder.keys):
                    return False
        for mapping in program.nodes(ast.Dict):
            for key, value in zip(mapping.keys, mapping.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in _NAMES:
                    given.append(value)
        given += [k.value for k in program.nodes(ast.keyword) if k.arg in _NAMES]
    return bool(given) and all(isinstance(v, ast.Constant) for v in given)


def _of_datetime(analysis: Analysis) -> set[str]:
    """Names that `datetime` brings along."""
    for module in analysis.project.modules:
        for name, (base, attribute) in module.imports.items():
            if base == "datetime" and attribute == "timezone":
                return {name}
    return set()
