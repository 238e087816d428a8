from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Side
from metaflow_orchestrator_kit.validate.env import reach
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import (
    ModuleValue,
    Text,
    Value,
    names_in,
    options_of,
)
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.per_place import kept_for_each
from metaflow_orchestrator_kit.validate.walking import walk

FLAG = "--branch"
_FORMATTED = {"branch_name", "project_branch"}
_UNDOING = {"split", "rsplit", "partition", "rpartition", "removeprefix", "lstrip", "sub", "match"}
_PREFIXES = ("test.", "prod.", "user.", "user", ".")
_HEAD = 'from metaflow import current\n\ndef command(node):\n    cmd = ["python", "flow.py"]\n'
_TAIL = '    return cmd + ["step", node, "--run-id", "r", "--task-id", "t"]\n'


_PREFIXED = regex(r"(?:test|prod|user)\.\0")


class BranchFormatted(Rule):
    """`--branch` is given the branch as Metaflow formats it, and not as the user gave it.

    `current.branch_name` is `test.x`, `prod.x` or `user.me`. Metaflow formats what `--branch`
    brings once more, and refuses the dot: "The branch name must contain only lowercase
    alphanumeric characters and underscores". Every task of a @project flow fails.

    Pass on the value of the flow's own option: `get_top_level_options()` has it.
    """

    code = "MOK142"
    name = "branch-formatted"
    clauses = ("J3",)
    severity = Severity.ERROR

    VALID = (
        Example("as the user gave it", compiler(
            _HEAD.replace("node)", "node, branch)")
            + f'    cmd += ["--branch", branch]\n{_TAIL}')),
        Example("with the prefix taken off", compiler(
            f'{_HEAD}    cmd += ["--branch", current.branch_name.split(".", 1)[1]]\n{_TAIL}')),
    )  # fmt: skip
    INVALID = (
        Example("the formatted name", compiler(
            f'{_HEAD}    cmd += ["--branch", current.branch_name]  # <-- here\n{_TAIL}')),
        Example("asked about, and passed on", compiler(
            f'{_HEAD}    name = current.branch_name\n    if not name.startswith("user."):\n'
            f'        cmd += ["--branch", name]  # <-- here\n{_TAIL}')),
        Example("through a variable", compiler(
            f"{_HEAD}    branch = current.branch_name\n"
            f'    cmd.append("--branch=" + branch)  # <-- here\n{_TAIL}')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        passed = [
            (option, command.function)
            for command in analysis.of_kind("init", "step")
            for option in command.options(FLAG, Side.TOP)
        ]
        places = [f.node if f is not None else ast.Module([], []) for _, f in passed]
        undone = kept_for_each(analysis, places, _undone)
        kept = {o.origin for (o, _), is_undone in zip(passed, undone, strict=True) if is_undone}
        for option, _ in passed:
            names = {n for value in option.values for n in _names(value)}
            if _PREFIXED.match(option.text or "") or any(map(_prefixed, option.values)):
                verdict.fail(
                    option.origin,
                    f"`{FLAG}` gets a branch with the prefix that Metaflow puts there itself",
                    "Pass the raw value on: merge deco.get_top_level_options() of the flow.",
                )
            elif not names & _FORMATTED:
                verdict.ok(option.origin, f"`{FLAG}` gets a raw branch")
            elif option.origin in kept:
                verdict.ok(option.origin, "the prefix of the formatted branch is taken off")
            else:
                verdict.fail(
                    option.origin,
                    f"`{FLAG}` gets the formatted branch, such as `test.x`",
                    "Pass the raw value on: merge deco.get_top_level_options() of the flow.",
                )
        if not passed:
            verdict.not_applicable(f"no command passes `{FLAG}` by name")


def _undone(code: ast.AST) -> bool:
    """Whether the prefix is taken off a formatted branch here."""
    return _mentions(code) and _undoes(code)


def _names(value: Value) -> Iterator[str]:
    """The identifiers that a value is made from, attributes of imported things included."""
    for inner in reach(value, {}):
        yield from names_in(inner)
        if isinstance(inner, ModuleValue):
            yield from inner.name.split(".")


def _mentions(node: ast.AST) -> bool:
    return any(
        (isinstance(n, ast.Attribute) and n.attr in _FORMATTED)
        or (isinstance(n, ast.Constant) and n.value in tuple(_FORMATTED))
        for n in walk(node)
    )


def _undoes(node: ast.AST) -> bool:
    """Whether the prefix is taken off: by a method, a slice, or by telling it from another text.

    Who only asks what the name starts with has taken nothing off.
    """
    asked = {
        id(inner)
        for n in walk(node)
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr == "startswith"
        for inner in walk(n)
    }
    return any(
        (isinstance(n, ast.Attribute) and n.attr in _UNDOING)
        or isinstance(n, ast.Slice)
        or (isinstance(n, ast.Constant) and n.value in _PREFIXES and id(n) not in asked)
        for n in walk(node)
    )


def _prefixed(value: Value) -> bool:
    """Whether one of the ways to make the value begins with ``test.`` or ``prod.``."""
    return any(
        isinstance(v, Text) and v.skeleton().startswith(("test.\0", "prod.\0", "user.\0"))
        for _, v in options_of(value)
    )
