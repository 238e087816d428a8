"""Where a value comes from that an option takes out of a payload, an object or a template.

What one function puts under a name, another takes from there: a key of a dictionary, a field of
a class, a placeholder of a template. The name is all that they share.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.records import record, regex
from metaflow_orchestrator_kit.validate.rules.flag_values import Given, flag_values, unwrapped
from metaflow_orchestrator_kit.validate.rules.syntax import literal

_LABEL = "carried values"
_FILLS = frozenset({"format", "substitute", "safe_substitute", "render", "format_map"})
_PLACEHOLDER = regex(
    r"--([a-z][a-z-]+)(?:=|\s+)[\"']?"
    r"(?:\{\{-?\s*(\w+)\s*-?\}\}|\$\{?([a-z_]\w*)\}?|\{(\w+)\}|%\((\w+)\)s)"
)


@record()
class _Known:
    put: dict[str, list[Given]]
    filled: dict[str, list[Given]]


def values_of(analysis: Analysis, flag: str) -> Iterator[Given]:
    """The values of *flag* that are written beside it, and those that are carried there."""
    known = _known(analysis)
    for program, value in flag_values(analysis, flag):
        yield program, value
        yield from known.put.get(_taken(unwrapped(value)), ())
    yield from known.filled.get(flag, ())


def _taken(value: ast.expr) -> str:
    """The key of ``payload["key"]`` and ``payload.get("key")``."""
    match value:
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return key
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(key)), *_]):
            return key
        case _:
            return ""


def _known(analysis: Analysis) -> _Known:
    known = analysis.memo.get(_LABEL)
    if not isinstance(known, _Known):
        known = _Known({}, {})
        for program in programs(analysis):
            for mapping in program.nodes(ast.Dict):
                for key, value in zip(mapping.keys, mapping.values, strict=True):
                    if isinstance(name := literal(key), str):
                        known.put.setdefault(name, []).append((program, value))
            if program.module is not None:
                for flag, given in _filled(program):
                    known.filled.setdefault(flag, []).append(given)
        analysis.memo[_LABEL] = known
    return known


def _filled(program: Program) -> Iterator[tuple[str, Given]]:
    """The options whose value is a placeholder in a string, and what fills it in that module."""
    wanted: dict[str, set[str]] = {}
    for constant in program.nodes(ast.Constant):
        if isinstance(constant.value, str) and "--" in constant.value:
            for found in _PLACEHOLDER.finditer(constant.value):
                name = found[2] or found[3] or found[4] or found[5]
                wanted.setdefault(name, set()).add(f"--{found[1]}")
    if not wanted:
        return
    for call in program.nodes(ast.Call):
        if called(call) in _FILLS:
            for keyword in call.keywords:
                for flag in sorted(wanted.get(keyword.arg or "", ())):
                    yield flag, (program, keyword.value)
