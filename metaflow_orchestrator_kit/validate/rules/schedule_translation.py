from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, names_used, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.features import handling, strings_in
from metaflow_orchestrator_kit.validate.rules.syntax import words_of
from metaflow_orchestrator_kit.validate.walking import walk

_FLAGS = ("daily", "hourly", "weekly")
_ORDER = "Ask in the order cron, weekly, hourly, daily: `daily` is True by default."


class ScheduleNotTranslated(Rule):
    """@schedule is handed to the scheduler in another dialect, or read in the wrong order.

    `deco.schedule` is a cron line of AWS: `0 0 * * ? *` for daily, six fields with a year at the
    end and `?` for any day. A scheduler with five fields, or with seconds in front, refuses it
    or fires at other hours. And `daily` is True by default: who asks for it before `weekly` and
    `hourly` runs every weekly flow daily.
    """

    code = "MOK511"
    name = "schedule-not-translated"
    clauses = ("K1",)
    severity = Severity.ERROR

    VALID = (
        Example("five fields", compiler("""\
        def schedule(flow):
            found = flow._flow_decorators.get("schedule")
            if not found or found[0].schedule is None:
                return None
            return " ".join(found[0].schedule.split()[:5])
        """)),
        Example("its own flags, daily last", compiler("""\
        CRONS = {"weekly": "0 0 * * 0", "hourly": "0 * * * *", "daily": "0 0 * * *"}

        def schedule(flow):
            found = flow._flow_decorators.get("schedule")
            attributes = found[0].attributes if found else {}
            if attributes.get("cron"):
                return attributes["cron"]
            return next((c for k, c in CRONS.items() if attributes.get(k)), None)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("no hourly", compiler("""\
        def schedule(flow):
            attributes = flow._flow_decorators.get("schedule")[0].attributes
            if attributes["cron"]:
                return attributes["cron"]
            if attributes["weekly"]:
                return "0 0 * * 0"
            return "0 0 * * *" if attributes["daily"] else None  # <-- here
        """)),
        Example("a ladder that begins with daily", compiler("""\
        def schedule(flow):  # <-- here
            attributes = flow._flow_decorators.get("schedule")[0].attributes
            if attributes["cron"]:
                return attributes["cron"]
            if attributes["daily"]:
                return "0 0 * * *"
            if attributes["hourly"]:
                return "0 * * * *"
            if attributes["weekly"]:
                return "0 0 * * 0"
            return None
        """)),
        Example("daily first", compiler("""\
        CRONS = {"daily": "0 0 * * *", "hourly": "0 * * * *", "weekly": "0 0 * * 0"}  # <-- here

        def schedule(flow):
            attributes = flow._flow_decorators.get("schedule")[0].attributes
            return next((c for k, c in CRONS.items() if attributes.get(k)), None)
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = handling(analysis, "schedule")
        if not found:
            verdict.not_applicable("@schedule is not looked at")
            return
        _check_order(analysis, verdict)
        translated = _is_translated(analysis)
        for program, node, function in found:
            raw = _raw_schedule(function)
            only = _only_cron(analysis, function) if raw is None else None
            if only is not None:
                text = "of @schedule only `cron` is read, not hourly, daily and weekly"
                verdict.fail(program.place(only), text, _ORDER)
                continue
            lacking = _not_asked(function) if raw is None else []
            if lacking:
                text = f"@schedule({lacking[0]}=True) is never asked for: such a flow never starts"
                verdict.fail(program.place(_last_asked(function)), text, _ORDER)
                continue
            if raw is None or translated:
                verdict.ok(program.place(node), "@schedule is translated")
                continue
            verdict.unsure(
                program.place(raw),
                "nothing translates the cron line from the dialect of AWS (`0 0 * * ? *`); "
                "that is right only when the scheduler reads that dialect",
            )


def _raw_schedule(function: ast.AST) -> ast.expr | None:
    """Where ``deco.schedule`` is read."""
    for node in walk(function):
        match node:
            case ast.Attribute(attr="schedule", ctx=ast.Load(), value=base) if not (
                isinstance(base, ast.Name) and base.id == "self"
            ):
                return node
            case ast.Call(
                func=ast.Name(id="getattr"), args=[_, ast.Constant(value="schedule"), *_]
            ):
                return node
            case _:
                pass
    return None


def _is_translated(analysis: Analysis) -> bool:
    """Whether some function takes cron lines apart, or the scheduler is AWS itself."""
    if any(name.startswith("cron(") for name in names_used(analysis)):
        return True
    for program in programs(analysis):
        for node in program.nodes(ast.Call, ast.Compare):
            match node:
                case ast.Call() if called(node) in ("split", "replace", "sub"):
                    if _near_cron(program, node):
                        return True
                case ast.Compare() if "?" in strings_in(node):
                    return True
                case _:
                    pass
    return False


def _near_cron(program: Program, node: ast.Call) -> bool:
    function = program.function(node)
    if function is None:
        return False
    words = strings_in(function) | {function.name}
    return any("cron" in w.lower() or "schedule" in w.lower() for w in words if len(w) < 60)


def _check_order(analysis: Analysis, verdict: Judge) -> None:
    """The flags of @schedule in one literal or one function, `daily` before another."""
    for program in programs(analysis):
        for node in program.nodes(ast.Dict, ast.Tuple, ast.List, ast.FunctionDef):
            flags = [f for f in _asked(node) if f in _FLAGS]
            if len(set(flags)) == len(_FLAGS) and flags[-1] != "daily" and flags[0] == "daily":
                text = "`daily` is asked for before `weekly` and `hourly`, and is True by default"
                verdict.fail(program.place(node), text, _ORDER)


def _asked(node: ast.AST) -> list[object]:
    """What a literal lists, or the tests of a function ask for, in the order of the source."""
    match node:
        case ast.Dict(keys=given):
            return [k.value for k in given if isinstance(k, ast.Constant)]
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return [e.value for e in elements if isinstance(e, ast.Constant)]
    tests = [n.test for n in walk(node) if isinstance(n, ast.If | ast.IfExp)]
    tests.sort(key=lambda t: (t.lineno, t.col_offset))
    return [
        c.value for t in tests for c in walk(t) if isinstance(c, ast.Constant) and c.value in _FLAGS
    ]


def _only_cron(analysis: Analysis, function: ast.AST) -> ast.AST | None:
    """Where `cron` of the decorator is read, when nothing asks for the other three."""
    if names_used(analysis) & {"hourly", "daily", "weekly"}:
        return None
    for node in walk(function):
        match node:
            case ast.Subscript(slice=ast.Constant(value="cron")):
                return node
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value="cron"), *_]):
                return node
            case _:
                pass
    return None


def _not_asked(function: ast.AST) -> list[str]:
    """The flags of @schedule that a function leaves out, when it asks for others of them."""
    known = words_of(function)
    return [f for f in _FLAGS if f not in known] if known & set(_FLAGS) else []


def _last_asked(function: ast.AST) -> ast.AST:
    asked = [n for n in walk(function) if isinstance(n, ast.Constant) and n.value in _FLAGS]
    return max(asked, key=lambda n: n.lineno, default=function)
