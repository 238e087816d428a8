"""The expressions that options are given, wherever an option is written next to its value.

The argv model follows whole commands. A rule about how a value is made needs less: the flag, and
the expression that stands behind it, also in a fragment of generated source.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.records import record, regex

Given = tuple[Program, ast.expr]

_FLAG = regex(r"--([a-z][a-z-]+)$")
_ENDING = regex(r"--([a-z][a-z-]+)[= ][\"'\\]*$")
_PERCENT = regex(r"%(?:\(\w+\))?[srd]")
_LABEL = "flag values"
#: Options that dictionaries of options name without dashes.
_KEYS = frozenset(
    ["retry-count", "task-id", "run-id", "input-paths", "split-index", "clone-run-id"]
)


@record()
class _Known:
    given: dict[str, list[Given]]


def flag_values(analysis: Analysis, flag: str) -> list[Given]:
    """Every expression that is written as the value of *flag*, with the program it is in."""
    known = analysis.memo.get(_LABEL)
    if not isinstance(known, _Known):
        known = _Known({})
        for program in programs(analysis):
            for name, value in _given(program):
                known.given.setdefault(f"--{name}", []).append((program, value))
        analysis.memo[_LABEL] = known
    return known.given.get(flag, [])


def unwrapped(node: ast.expr) -> ast.expr:
    """What is made a string: ``x`` of ``str(x)``, ``f"{x}"``, ``repr(x)``, ``quote(x)``."""
    while True:
        match node:
            case ast.Call(func=ast.Name(id="str" | "repr" | "quote"), args=[only], keywords=[]):
                node = only
            case ast.Call(func=ast.Attribute(attr="quote"), args=[only], keywords=[]):
                node = only
            case ast.JoinedStr(values=[ast.FormattedValue(value=only)]):
                node = only
            case _:
                return node


def _given(program: Program) -> Iterator[tuple[str, ast.expr]]:
    for listed in program.nodes(ast.List):
        yield from _neighbours(listed.elts)
    for pair in program.nodes(ast.Tuple):
        yield from _neighbours(pair.elts)
    for call in program.nodes(ast.Call):
        yield from _neighbours(call.args)
    for joined in program.nodes(ast.JoinedStr):
        for before, part in itertools.pairwise(joined.values):
            if isinstance(part, ast.FormattedValue) and (name := _ending(before)):
                yield name, part.value
    for operation in program.nodes(ast.BinOp):
        match operation:
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                last = left.right if isinstance(left, ast.BinOp) else left
                if name := _ending(last):
                    yield name, right
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right):
                yield from _formatted(text, right)
            case _:
                pass
    for assign in program.nodes(ast.Assign):
        match assign:
            case ast.Assign(
                targets=[ast.Subscript(slice=ast.Constant(value=str(option)))], value=right
            ) if option.lstrip("-") in _KEYS:
                yield option.lstrip("-"), right
            case _:
                pass
    for mapping in program.nodes(ast.Dict):
        for key, value in zip(mapping.keys, mapping.values, strict=True):
            name = str(key.value).lstrip("-") if isinstance(key, ast.Constant) else ""
            if name in _KEYS:
                yield name, value


def _neighbours(elements: Sequence[ast.expr]) -> Iterator[tuple[str, ast.expr]]:
    for before, value in itertools.pairwise(elements):
        match before:
            case ast.Constant(value=str(text)) if found := _FLAG.match(text):
                yield found[1], value
            case _:
                pass


def _ending(node: ast.expr) -> str:
    """The flag that a literal ends in, its value still to come."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        found = _ENDING.search(node.value)
        return found[1] if found else ""
    return ""


def _formatted(text: str, right: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    values = right.elts if isinstance(right, ast.Tuple) else [right]
    for place, value in zip(_PERCENT.finditer(text), values, strict=False):
        if found := _ENDING.search(text[: place.start()]):
            yield found[1], value
