"""Options that are put together as text for a shell, from names and values that users give."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.programs import Program, called, source
from metaflow_orchestrator_kit.validate.records import regex

_GIVEN = regex(r"param|kwargs|\btags?\b|values", re.I)
_QUOTED = regex(r"quote|shlex|escape|dumps|repr|!r", re.I)
#: Text that is only shown needs no quotes.
_SHOWN = regex(r"echo|print|log|info|debug|warn|error|exception|raise|format_help", re.I)
_FLAG = regex(r"--(?:\0|[a-z])")


def joined_flags(program: Program) -> Iterator[ast.expr]:
    """Expressions that write ``--name value`` into a line, with a value that nobody quotes."""
    for call in program.calls("join"):
        if len(call.args) != 1 or not _joins_words(call):
            continue
        made = call.args[0]
        if (
            isinstance(made, ast.GeneratorExp | ast.ListComp)
            and _GIVEN.search(source(made.generators[0].iter))
            and _is_bare_flag(made.elt)
            and not _is_shown(program, call)
        ):
            yield call
    for loop in program.nodes(ast.For):
        if not _GIVEN.search(source(loop.iter)):
            continue
        for node in ast.walk(loop):
            if (
                isinstance(node, ast.AugAssign)
                and isinstance(node.op, ast.Add)
                and _is_bare_flag(node.value)
                and _skeleton(node.value).startswith(" ")
            ):
                yield node.value


def _joins_words(call: ast.Call) -> bool:
    """Whether it is ``" ".join(...)``."""
    receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
    return isinstance(receiver, ast.Constant) and receiver.value == " "


def _is_bare_flag(node: ast.expr) -> bool:
    text = _skeleton(node)
    named = text.strip().startswith("--") and bool(_FLAG.search(text))
    return named and text.count("\0") > text.count("--\0") and not _QUOTED.search(source(node))


def _skeleton(node: ast.expr) -> str:
    """The text of a formatted string, with NUL where a value comes in."""
    match node:
        case ast.JoinedStr(values=values):
            return "".join(str(v.value) if isinstance(v, ast.Constant) else "\0" for v in values)
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
            return text.replace("%s", "\0")
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            return re.sub(r"\{\w*\}", "\0", text)
        case _:
            return ""


def _is_shown(program: Program, node: ast.AST) -> bool:
    """Whether a person reads the text: it goes to a call that prints, or into an error."""
    for outer in program.parents(node):
        if isinstance(outer, ast.Raise):
            return True
        if isinstance(outer, ast.Call) and _SHOWN.search(called(outer)):
            return True
        if isinstance(outer, ast.stmt):
            return False
    return False
