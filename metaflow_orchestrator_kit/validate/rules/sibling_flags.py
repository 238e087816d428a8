from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command, Presence, Side
from metaflow_orchestrator_kit.validate.env import matches
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place, nothing_launched
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.task_variables import given_by_platform
from metaflow_orchestrator_kit.validate.walking import source, walk

#: Flags that belong to every command of a kind when they belong to one. (--branch, --environment,
#: --datastore-root and the attempt's number have rules of their own.)
_TOP = ("--metadata", "--datastore", "--event-logger", "--monitor", "--with")
#: What `dump` needs as well, to find the run of which it asks: the flag, or the variable that
#: stands for it where a command has none.
_READS = {
    "--metadata": "METAFLOW_DEFAULT_METADATA",
    "--datastore": "METAFLOW_DEFAULT_DATASTORE",
}
_STEP = ("--namespace", "--tag", "--clone-run-id", "--clone-only")
_FIX = "Build all commands of one kind with one function, or add the flag here too."


class SiblingFlags(Rule):
    """One of several commands lacks a flag that the others have.

    Extensions build `step` in more than one place: for the entry step, the body of a foreach, the
    join, a fallback. A flag added to one of them later is missing in the others, and only flows
    of that shape notice: a join in another namespace, a foreach body without its decorators.
    """

    code = "MOK909"
    name = "sibling-lacks-flag"
    clauses = ("D10", "G2", "D9")
    severity = Severity.WARNING

    VALID = (
        Example("the same flags", compiler("""\
        def linear(node, flow, meta):
            return ["python", flow, "--metadata", meta, "step", node, "--run-id", "r"]

        def join(node, flow, meta, inputs):
            top = ["python", flow, "--metadata", meta]
            return top + ["step", node, "--run-id", "r", "--input-paths", inputs]
        """)),
        Example("a `dump` that is told by the environment where to look", compiler("""\
        def variables(meta):
            return {"METAFLOW_DEFAULT_METADATA": meta}

        def commands(node, flow, meta, ids):
            exists = ["python", flow, "dump", "--max-value-size=0", ids]
            init = ["python", flow, "--metadata", meta, "init", "--run-id", "r"]
            step = ["python", flow, "--metadata", meta, "step", node, "--run-id", "r"]
            return exists, init, step
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a join in another namespace", compiler("""\
        def linear(node, flow, ns):
            return ["python", flow, "--quiet", "step", node, "--run-id", "r", "--namespace", ns]

        def join(node, flow, inputs):
            top = ["python", flow, "--quiet"]
            return top + ["step", node, "--run-id", "r", "--input-paths", inputs]  # <-- here
        """)),
        Example("init with another metadata provider", compiler("""\
        def commands(node, flow, meta):
            init = ["python", flow, "--quiet", "init", "--run-id", "r"]  # <-- here
            step = ["python", flow, "--quiet", "--metadata", meta, "step", node, "--run-id", "r"]
            return init, step
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        steps = by_place(analysis, "step")
        every = by_place(analysis, "step", "init")
        if len(every) + len(by_place(analysis, "dump")) < 2:
            verdict.not_applicable("there is one command only")
            return
        for flag in _TOP:
            reading = by_place(analysis, "dump") if _needs(flag, analysis) else {}
            places = steps if flag == "--with" else every | reading
            _compare(flag, Side.TOP, places, verdict)
        for flag in _STEP:
            _compare(flag, Side.COMMAND, steps, verdict)
        if any(_has_tags(c) for c in analysis.of_kind("init")) and not any(
            _has_tags(c) or _names_tags(c) for c in analysis.of_kind("step")
        ):
            _compare("--tag", Side.COMMAND, every, verdict)
        for place in every:
            verdict.ok(place, "the commands have the same flags")


def _needs(flag: str, analysis: Analysis) -> bool:
    """Whether `dump` is told by *flag* alone where it looks: nothing sets the variable.

    What the job of a platform is given besides is not seen.
    """
    variable = _READS.get(flag)
    if variable is None or given_by_platform(analysis) is not None:
        return False
    return not any(matches(w, variable) for w in analysis.environment if not w.own_process)


def _names_tags(command: Command) -> bool:
    """Whether the function that builds it may add tags in a way that was not followed."""
    function = command.function
    return function is None or any(
        (isinstance(n, ast.Constant) and "--tag" in str(n.value))
        or (isinstance(n, ast.Call) and "tag" in source(n.func))
        for n in walk(function.node)
    )


def _has_tags(command: Command) -> bool:
    return bool(command.options("--tag", Side.COMMAND))


def _compare(flag: str, side: Side, places: dict[Origin, list[Command]], verdict: Judge) -> None:
    seen = {p: [c.presence(flag, side) for c in commands] for p, commands in places.items()}
    having = [p for p, found in seen.items() if Presence.ALWAYS in found]
    sometimes = [p for p, found in seen.items() if Presence.SOMETIMES in found]
    lacking = [p for p, found in seen.items() if set(found) == {Presence.ABSENT}]
    if not having and not sometimes:
        return
    other = (having or sometimes)[0]
    for place in lacking:
        kind = places[place][0].kind
        there = (
            f"in line {other.line}" if other.path == place.path else f"at {other.path}:{other.line}"
        )
        text = f"this `{kind}` lacks `{flag}`, which the command {there} has"
        verdict.fail(place, text, _FIX)
