"""Questions that several rules ask about the commands of an extension."""

from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command, Presence, Side
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.rules.base import Judge
from metaflow_orchestrator_kit.validate.walking import walk


def by_place(analysis: Analysis, *kinds: str) -> dict[Origin, list[Command]]:
    """The commands of these kinds, by the place that names the sub-command.

    A place that is reached in several ways has several commands; one that is only known as a
    fragment is left out where the whole command is known.
    """
    places: dict[Origin, list[Command]] = {}
    for command in analysis.of_kind(*kinds):
        places.setdefault(command.origin, []).append(command)
    for origin, commands in places.items():
        whole = [c for c in commands if c.side(Side.TOP)]
        if whole:
            places[origin] = whole
    return places


def at_flag(analysis: Analysis, origin: Origin, flag: str) -> Origin:
    """Where the option stands, when *origin* is only where its list of options begins."""
    module = analysis.module(origin.path)
    if module is None or flag in "".join(module.lines[origin.line - 1 : origin.end_line]):
        return origin
    ends = [
        node.end_lineno or node.lineno
        for node in walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.lineno <= origin.line <= (node.end_lineno or node.lineno)
    ]
    for number in range(origin.line, min(ends, default=origin.line) + 1):
        column = module.lines[number - 1].find(flag)
        if column >= 0:
            return Origin(origin.path, number, column + 1, number)
    return origin


def nothing_launched(analysis: Analysis, judge: Judge, kind: str = "step") -> bool:
    """Say that no command was found, when that is so."""
    if analysis.of_kind(kind):
        return False
    if analysis.has_code():
        judge.unsure(None, f"no command that launches `{kind}` was found in the source")
    else:
        judge.unsure(None, "there is no code to read")
    return True


def describe_unknown(command: Command, side: Side) -> str:
    """What stands on that side of the command and could not be followed."""
    hidden = command.unknown(side)
    if not hidden:
        return "the rest of the command is put together elsewhere"
    names = sorted(n for n in hidden[0].names if n.isidentifier())[:4]
    return (
        f"options from `{', '.join(names)}` could not be followed"
        if names
        else ("part of the command could not be followed")
    )


def judge_option(command: Command, flag: str, judge: Judge, *, message: str, help: str) -> None:
    """Judge whether a top-level option is passed on every path of a command."""
    match command.presence(flag, Side.TOP):
        case Presence.ALWAYS:
            judge.ok(command.options(flag, Side.TOP)[0].origin, f"`{command.kind}` has `{flag}`")
        case Presence.ABSENT if command.options(flag, Side.COMMAND):
            where = command.options(flag, Side.COMMAND)[0].origin
            judge.fail(
                where,
                f"`{flag}` comes after `{command.kind}`, which has no such option",
                f"Put `{flag}` before `{command.kind}`: it is an option of the flow.",
            )
        case Presence.ABSENT:
            judge.fail(command.origin, message, help)
        case Presence.SOMETIMES:
            option = command.options(flag, Side.TOP)[0]
            when = " and ".join(_say(c.text, c.holds) for c in option.conds[-2:])
            judge.fail(option.origin, f"{message} unless {when}", help)
        case Presence.UNKNOWN:
            judge.unsure(command.origin, describe_unknown(command, Side.TOP))


def _say(text: str, holds: bool) -> str:
    return f"`{text}`" if holds else f"not `{text}`"
