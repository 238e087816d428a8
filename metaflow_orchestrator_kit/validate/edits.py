"""How rules make the changes of text that repair a finding."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Sequence

from metaflow_orchestrator_kit.validate.findings import Edit
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.modules import Module, column
from metaflow_orchestrator_kit.validate.walking import walk

_END = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.ENDMARKER, tokenize.DEDENT)


def replacing(module: Module, node: ast.expr | ast.stmt, text: str) -> Edit:
    """*text* in the place of a node of a module's own source."""
    end_line = node.end_lineno or node.lineno
    end = column(module.lines, end_line, node.end_col_offset or 0)
    return Edit(module.path, node.lineno, module.column(node), end_line, end, text)


def source_of(module: Module, node: ast.expr) -> str | None:
    """How a node is written."""
    return ast.get_source_segment("\n".join(module.lines), node)


def with_keyword(module: Module, call: ast.Call, text: str) -> Edit | None:
    """*text* as one more argument of a call; None when its end cannot be made out."""
    if any(isinstance(a, ast.GeneratorExp) for a in call.args):
        return None
    first, last = call.lineno, call.end_lineno or call.lineno
    lines = [*module.lines[first - 1 : last]]
    stop = column(module.lines, last, call.end_col_offset or 0) - 1
    lines[-1] = lines[-1][:stop]
    start = module.column(call) - 1
    lines[0] = " " * start + lines[0][start:]
    before: tokenize.TokenInfo | None = None
    closing: tokenize.TokenInfo | None = None
    try:
        # In brackets, so that the call may go over several lines.
        for token in tokenize.generate_tokens(io.StringIO("(\n" + "\n".join(lines)).readline):
            if token.type not in _END and token.string:
                before, closing = closing, token
    except tokenize.TokenError:
        # The bracket before the call is never closed; all of the call has been read.
        pass
    except SyntaxError:
        return None
    if before is None or closing is None or closing.string != ")":
        return None
    line, at = first + before.end[0] - 2, before.end[1] + 1
    lead = {"(": "", ",": " "}.get(before.string, ", ")
    return Edit(module.path, line, at, line, at, lead + text)


def on_line(path: str, lines: Sequence[str], number: int, pattern: str, text: str) -> Edit | None:
    """*text* in the place of what matches on a line; None unless it matches exactly once."""
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    found = list(re.finditer(pattern, line))
    if len(found) != 1:
        return None
    return Edit(path, number, found[0].start() + 1, number, found[0].end() + 1, text)


def node_at(module: Module, place: Origin, *types: type[ast.expr]) -> ast.expr | None:
    """The outermost node of these types that begins at a place of a module's own source."""
    for node in walk(module.tree):
        if (
            isinstance(node, types)
            and node.lineno == place.line
            and module.column(node) == place.column
        ):
            return node
    return None


def as_list(module: Module, node: ast.expr) -> tuple[Edit, ...]:
    """A tuple, or a call of ``tuple``, as a list; what stands between the brackets is kept."""
    if isinstance(node, ast.Call):
        return (replacing(module, node.func, "list"),)
    whole = replacing(module, node, "")
    text = source_of(module, node) or ""
    for width in (1, 0) if text.startswith("(") and text.endswith(")") else (0,):
        try:
            read = ast.parse(f"[{text[width : len(text) - width]}]", mode="eval").body
        except (SyntaxError, ValueError):
            continue
        if ast.dump(ast.Tuple(getattr(read, "elts", []), ast.Load())) == ast.dump(node):
            begin, end = whole.column, whole.end_column
            return (
                Edit(module.path, whole.line, begin, whole.line, begin + width, "["),
                Edit(module.path, whole.end_line, end - width, whole.end_line, end, "]"),
            )
    return ()


def parameters_around(module: Module, node: ast.AST) -> set[str]:
    """The names of the parameters of the functions that *node* stands in."""
    line = getattr(node, "lineno", 0)
    found: set[str] = set()
    for function in walk(module.tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = function.lineno < line <= (function.end_lineno or 0)
            if inside:
                arguments = function.args
                everything = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
                found |= {a.arg for a in everything}
    return found
