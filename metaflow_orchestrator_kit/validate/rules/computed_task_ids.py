"""Task ids that are numbers, or hold the attempt, by the place that makes them.

The argv model sees the id in a command. Where a command takes it from a field or from another
process, the place that makes it tells: a function that is named after it, a variable, an argument.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import programs
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.identifiers import ATTEMPT
from metaflow_orchestrator_kit.validate.rules.syntax import (
    function_of,
    literal,
    nodes,
    terminal,
    words_of,
)
from metaflow_orchestrator_kit.validate.walking import walk

_ID = regex(r"^(?:\w*_)?task_?id$", re.I)
_COUNTS = frozenset(
    ["int", "len", "sum", "abs", "hash", "next", "crc32", "adler32",
     "randint", "randrange", "getrandbits", "getpid", "time_ns"]
)  # fmt: skip
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.Pow)
_COUNTERS = frozenset(["enumerate", "range", "count"])
_MAKERS = (ast.FunctionDef, ast.Assign, ast.AnnAssign, ast.keyword, ast.Dict)
_LABEL = "what becomes the id of a task"


def made_badly(analysis: Analysis) -> Iterator[tuple[Origin, str]]:
    """Where an id is made that no task may have, and what is wrong with it."""
    for place in computed_numbers(analysis):
        yield place, "a number that is worked out becomes the id of a task"
    for place in salted(analysis):
        yield place, "hash() of a text, another number in each process, becomes the id of a task"
    for place, name in holding_attempt(analysis):
        yield place, f"the attempt (`{name}`) is written into the id of a task"


def computed_numbers(analysis: Analysis) -> Iterator[Origin]:
    """Where the text of a number that is worked out becomes the id of a task.

    Only text is looked at: an ``int`` may be a number that the scheduler keeps for itself.
    """
    for module, value in _ids(analysis):
        text = _as_text(value)
        if text is not None and _is_number(text, _counters(analysis, value)):
            yield analysis.place(module, value)
    for program in programs(analysis):
        for node in program.nodes(*_MAKERS) if program.generated else ():
            for value in _made(node):
                text = _as_text(value)
                if text is not None and _is_number(text, frozenset()):
                    yield program.place(value)


def salted(analysis: Analysis) -> Iterator[Origin]:
    """Where the built-in ``hash`` of a text goes into the id of a task: each process has its own.

    Numbers hash to themselves; a tuple may hold nothing else.
    """
    for module, value in _ids(analysis):
        for call in walk(value):
            match call:
                case ast.Call(func=ast.Name(id="hash"), args=[hashed]) if not isinstance(
                    hashed, ast.Tuple
                ):
                    yield analysis.place(module, value)


def holding_attempt(analysis: Analysis) -> Iterator[tuple[Origin, str]]:
    """Where the number of the attempt is written into the id of a task, and its name."""
    for module, value in _ids(analysis):
        if name := _attempt_in(value):
            yield analysis.place(module, value), name
    for program in programs(analysis):
        # A keyword of a call in a fragment of source that is written out.
        for keyword in program.nodes(ast.keyword) if program.generated else ():
            if keyword.arg and _ID.match(keyword.arg) and (name := _attempt_in(keyword.value)):
                yield program.place(keyword.value), name


def _attempt_in(value: ast.expr) -> str:
    """The name of an attempt's counter that is formatted into a string, or ""."""
    if isinstance(value, ast.JoinedStr | ast.BinOp):
        for part in walk(value):
            name = terminal(part) if isinstance(part, ast.Name | ast.Attribute) else ""
            if ATTEMPT.search(name):
                return name
    return ""


def _ids(analysis: Analysis) -> Sequence[tuple[Module, ast.expr]]:
    """What becomes an id anywhere; looked for once."""
    known = analysis.memo.get(_LABEL)
    if not isinstance(known, tuple):
        found = ((m, value) for m, node in nodes(analysis, *_MAKERS) for value in _made(node))
        known = analysis.memo[_LABEL] = tuple(found)
    return known


def _made(node: ast.AST) -> Iterator[ast.expr]:
    """What becomes an id here."""
    match node:
        case ast.FunctionDef(name=name) if _ID.match(name):
            yield from (n.value for n in walk(node) if isinstance(n, ast.Return) and n.value)
        case ast.Assign(targets=[ast.Name() | ast.Attribute() as target], value=value):
            if _ID.match(terminal(target)):
                yield value
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            if _ID.match(terminal(target)):
                yield value
        case ast.keyword(arg=str(name), value=value) if _ID.match(name):
            yield value
        case ast.Dict(keys=keys, values=values):
            yield from (v for k, v in zip(keys, values, strict=True) if literal(k) == "task-id")


def _as_text(node: ast.expr) -> ast.expr | None:
    """The only thing that is made a string: ``str(x)``, ``f"{x}"``, ``"%d" % x``."""
    match node:
        case ast.Call(func=ast.Name(id="str"), args=[only], keywords=[]):
            return only
        case ast.Subscript(value=cut, slice=ast.Slice()):
            return _as_text(cut)
        case ast.JoinedStr(values=[ast.FormattedValue(value=only, format_spec=None)]):
            return only
        case ast.BinOp(left=ast.Constant(value="%d" | "%s" | "%i"), op=ast.Mod(), right=only):
            return only
        case _:
            return None


def _is_number(node: ast.expr, counters: frozenset[str]) -> bool:
    """Whether *node* is certainly a whole number."""
    match node:
        case ast.Constant(value=bool() | None):
            return False
        case ast.Constant(value=int()):
            return True
        case ast.Name(id=name):
            return name in counters
        case ast.Attribute(value=ast.Call(func=func), attr="int"):
            return terminal(func).startswith("uuid")
        case ast.Call(func=func):
            return terminal(func) in _COUNTS
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _ARITHMETIC):
            sides = (left, right)
            if isinstance(op, ast.Mult | ast.Mod) and isinstance(literal(left), str):
                return False
            return any(_is_number(s, counters) for s in sides)
        case _:
            return False


def _counters(analysis: Analysis, node: ast.expr) -> frozenset[str]:
    """The names that count in the loops of the function around *node*."""
    function = function_of(analysis, node)
    if function is None or _COUNTERS.isdisjoint(words_of(function)):
        return frozenset()
    found: set[str] = set()
    for loop in walk(function):
        if isinstance(loop, ast.For | ast.comprehension) and isinstance(loop.iter, ast.Call):
            first = loop.target.elts[0] if isinstance(loop.target, ast.Tuple) else loop.target
            pairs = isinstance(loop.target, ast.Tuple)
            name = terminal(loop.iter.func)
            if name in (("enumerate",) if pairs else ("range", "count")):
                found.add(terminal(first))
    return frozenset(found)
