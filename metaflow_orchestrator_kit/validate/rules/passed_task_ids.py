"""Task ids that are handed, as literals, to the functions that start a step.

Programs that are written out call such functions from fragments of source, which are no modules
of their own; there a call is recognised by its name and its arguments.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.strings import shift
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.commands import by_place
from metaflow_orchestrator_kit.validate.rules.syntax import (
    calls,
    index,
    literal,
    nodes,
    terminal,
)

_PARAMETER = "task_id"
_NUMBER = regex(r"[\"']\d+[\"']")


def literal_numbers(analysis: Analysis) -> Mapping[str, list[Origin]]:
    """The functions that are passed a number as the id of a step's task, and where."""
    positions = dict(starters(analysis, _PARAMETER))
    found: dict[str, list[Origin]] = {}
    for module, call in calls(analysis, *positions):
        name = terminal(call.func)
        at = positions[name]
        values = [k.value for k in call.keywords if k.arg == _PARAMETER]
        values += call.args[at : at + 1]
        if any(_is_number(literal(v)) for v in values):
            found.setdefault(name, []).append(analysis.place(module, call))
    for name, at in positions.items():
        pattern = re.compile(rf"(?<!def )\b{re.escape(name)}\(([^()]*)")
        for text, place in fragments(analysis, name):
            for match in pattern.finditer(text):
                arguments = [a.strip() for a in match[1].split(",")]
                if len(arguments) > at and _NUMBER.fullmatch(arguments[at]):
                    found.setdefault(name, []).append(shift(place, text, match.start()))
    return {name: sorted(set(places)) for name, places in found.items()}


def fragments(analysis: Analysis, word: str) -> Iterator[tuple[str, Origin]]:
    """Strings of the modules that hold *word*, with ``_`` where a value is formatted in."""
    parents = index(analysis).parents
    for module, node in nodes(analysis, ast.JoinedStr, ast.Constant):
        if module in analysis.positions or isinstance(parents.get(node), ast.JoinedStr):
            continue
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        text = "".join(str(getattr(p, "value", "")) if _is_text(p) else "_" for p in parts)
        if word in text:
            place = analysis.place(module, node)
            if module.lines[place.line - 1].endswith(('"""\\', "'''\\")):
                # The text begins in the line after the quotes.
                place = Origin(place.path, place.line + 1, 1, place.end_line)
            yield text, place


def _is_text(node: ast.AST) -> bool:
    return isinstance(literal(node if isinstance(node, ast.expr) else None), str)


def _is_number(value: object) -> bool:
    return isinstance(value, str) and value.isdigit()


def starters(analysis: Analysis, parameter: str) -> Iterator[tuple[str, int]]:
    """The functions that build a step's command from that parameter, and its position."""
    steps = list(by_place(analysis, "step"))
    for module, node in nodes(analysis, ast.FunctionDef, ast.AsyncFunctionDef):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
        if parameter not in names:
            continue
        first = analysis.place(module, node)
        last = analysis.place(module, node.body[-1])
        if any(s.path == first.path and first.line <= s.line <= last.end_line for s in steps):
            bound = 1 if names[0] in ("self", "cls") else 0
            yield node.name, names.index(parameter) - bound
