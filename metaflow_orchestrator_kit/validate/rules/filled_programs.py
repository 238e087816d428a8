"""Programs that come out of a template: what stands there once it is filled."""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import Program
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.format_fields import Filling, fillings
from metaflow_orchestrator_kit.validate.source_lines import HOLE

_BEGINS = regex(r"\s*(?:#|\"\"\"|import \w|from [\w.]+ import |def \w+\(|class \w+[(:]|@\w)")
_DEFINES = regex(r"(?m)^[ \t]*(?:(?:async )?def \w+\(|(?:import|from) [\w.]+)")
_CERTAIN = regex(r"unterminated (?:f-)?string")
_SHORTEST = 6


def unreadable(program: Program) -> Iterator[tuple[Origin, str]]:
    """Where what is made of a template is certainly no Python, and what is wrong there.

    Only strings that do not end on their line are told of: nothing that is filled in elsewhere
    could end them. The cause is nearly always an escape, such as a line break that has become one
    too early.
    """
    for filling in fillings(program):
        text = textwrap.dedent(filling.rendered)
        if "\n" not in text or not (_BEGINS.match(text) and _DEFINES.search(text)):
            continue
        fault = _fault(text)
        if fault is None:
            continue
        line, what = fault
        yield _place(program, filling, line), what


def _fault(text: str) -> tuple[str, str] | None:
    """The line of *text* that holds an open string, and what is wrong with it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        lines = text.split("\n")
        number = error.lineno or 1
        if _CERTAIN.search(error.msg) and number <= len(lines):
            return lines[number - 1], error.msg.partition(" (")[0]
    except (ValueError, RecursionError, MemoryError):
        pass
    return None


def _place(program: Program, filling: Filling, line: str) -> Origin:
    """The line of the template that *line* was made of."""
    place = program.place(filling.template)
    pieces = [piece.strip() for piece in line.split(HOLE)]
    longest = max(pieces, key=len, default="")
    if program.module is not None and len(longest) >= _SHORTEST:
        lines = program.module.source.split("\n")
        for number in range(place.line, min(place.end_line, len(lines)) + 1):
            if longest in lines[number - 1].replace("{{", "{").replace("}}", "}"):
                return Origin(place.path, number, 1, number)
    return place._replace(end_line=place.line)
