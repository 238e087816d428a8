"""Calls of the functions that launch a step, and which of their arguments each call passes.

A call may stand in a module, in a program that is written out, or in lines of source that are
emitted one by one. What is formatted into such a line is a hole; one that stands alone may be any
number of arguments.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.programs import HOLE, Program, called, has_splat, programs
from metaflow_orchestrator_kit.validate.records import record, regex
from metaflow_orchestrator_kit.validate.walking import walk

Function = ast.FunctionDef | ast.AsyncFunctionDef

_OPTIONS = frozenset(["run-id", "task-id", "input-paths", "retry-count"])
_LINE = regex(r"\bstep\b.*\s--(?:run-id|task-id|retry-count|input-paths)\b")
_OTHERS = frozenset(["subprocess", "sp", "os", "asyncio"])


@record()
class Launcher:
    """A function that launches a step: the names of its parameters, and the optional ones."""

    node: Function
    names: tuple[str, ...]
    required: int
    optional: frozenset[str]


@record()
class StepCall:
    """A call of a launcher; ``given`` are the parameters that it passes."""

    program: Program
    node: ast.Call
    given: frozenset[str]


def functions_of(program: Program) -> tuple[Function, ...]:
    """The functions and methods of a program."""
    return (*program.nodes(ast.FunctionDef), *program.nodes(ast.AsyncFunctionDef))


def launchers(analysis: Analysis) -> dict[str, Launcher]:
    """The functions that launch a step, by name, where a name stands for one of them only."""
    every = [function for program in programs(analysis) for function in functions_of(program)]
    known = {f.name for f in every if _launches(f)}
    known |= {f.name for f in every if known & {called(c) for c in _calls_in(f)}}
    found: dict[str, list[Launcher]] = {}
    for function in every:
        if function.name in known:
            found.setdefault(function.name, []).append(_launcher(function))
    return {
        name: those[0]
        for name, those in found.items()
        # The same program may be read in several ways.
        if all(t.names == those[0].names for t in those)
    }


def step_calls(analysis: Analysis, name: str, launcher: Launcher) -> Iterator[StepCall]:
    """The calls of *launcher* of which it is known what they pass."""
    for program in programs(analysis):
        for call in program.calls(name):
            receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
            if isinstance(receiver, ast.Name) and receiver.id in _OTHERS:
                continue
            if has_splat(call) or any(isinstance(a, ast.Starred) for a in call.args):
                continue
            if any(map(_is_hole, call.args)) and len(call.args) != launcher.required:
                continue
            keywords = {k.arg.replace(HOLE, "") for k in call.keywords if k.arg}
            if "" not in keywords:
                by_position = launcher.names[: len(call.args)]
                yield StepCall(program, call, frozenset({*by_position, *keywords}))


def _launches(function: Function) -> bool:
    values = (n.value for n in walk(function) if isinstance(n, ast.Constant))
    words = {value for value in values if isinstance(value, str)}
    if "step" in words and any(t.lstrip("-") in _OPTIONS for t in words):
        return True
    return any(_LINE.search(text) for text in words)


def _calls_in(function: Function) -> Iterator[ast.Call]:
    return (n for n in walk(function) if isinstance(n, ast.Call))


def _launcher(function: Function) -> Launcher:
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    optional = names[len(names) - len(arguments.defaults) :] if arguments.defaults else []
    optional += [
        a.arg
        for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is not None
    ]
    bound = names[1:] if names[:1] in (["self"], ["cls"]) else names
    return Launcher(
        function, tuple(bound), len(bound) - len(arguments.defaults), frozenset(optional)
    )


def _is_hole(node: ast.expr) -> bool:
    """Whether the argument is nothing but what was formatted in."""
    return isinstance(node, ast.Name) and not node.id.replace(HOLE, "")
