"""The attempt's number that is handed to functions which start a step: always the same one.

Such a function is often part of a program that is written out, and its calls are fragments of
source in other strings; there a call is recognised by its name and its arguments.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.strings import shift
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import has_splat
from metaflow_orchestrator_kit.validate.records import record, regex
from metaflow_orchestrator_kit.validate.rules.passed_task_ids import fragments, starters
from metaflow_orchestrator_kit.validate.rules.syntax import calls, literal, terminal

_PARAMETER = "retry_count"
_KEYWORD = regex(r"\bretry_count\s*=\s*([^,)\s]+)")


@record()
class _Call:
    place: Origin
    constant: bool


def constant_counts(analysis: Analysis) -> Iterator[tuple[str, Origin]]:
    """Functions of which every call passes a written number, or leaves 0, and the first call."""
    for name, at in dict(starters(analysis, _PARAMETER)).items():
        found = [*_in_modules(analysis, name, at), *_in_fragments(analysis, name, at)]
        if found and all(c.constant for c in found):
            yield name, min(c.place for c in found)


def _in_modules(analysis: Analysis, name: str, at: int) -> Iterator[_Call]:
    for module, call in calls(analysis, name):
        values = [k.value for k in call.keywords if k.arg == _PARAMETER] + call.args[at : at + 1]
        spread = has_splat(call) or any(isinstance(a, ast.Starred) for a in call.args)
        same = not spread and all(type(literal(v)) is int for v in values)
        yield _Call(analysis.place(module, call), same and terminal(call.func) == name)


def _in_fragments(analysis: Analysis, name: str, at: int) -> Iterator[_Call]:
    called = re.compile(rf"(?<!def )\b{re.escape(name)}\b(\([^()]*\))?")
    for text, place in fragments(analysis, name):
        if f"def {name}(" in text:
            continue  # A program that is read as one.
        for found in called.finditer(text):
            yield _Call(shift(place, text, found.start()), _is_constant(found[1], at))


def _is_constant(arguments: str | None, at: int) -> bool:
    """Whether a call passes a written number or none; False when it is not seen whole."""
    if arguments is None or "*" in arguments:
        return False
    keyword = _KEYWORD.search(arguments)
    if keyword is not None:
        return keyword[1].isdigit()
    given = [a.strip() for a in arguments[1:-1].split(",") if "=" not in a and a.strip()]
    return len(given) <= at or given[at].isdigit()
