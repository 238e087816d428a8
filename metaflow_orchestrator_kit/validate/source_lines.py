"""The source lines that string expressions hold, each with the line it is written on."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from metaflow_orchestrator_kit.validate.generated import MAX_TEXT
from metaflow_orchestrator_kit.validate.indents import is_indent, is_indented
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.walking import children, nodes_of

HOLE = "mok_hole"
"""Stands for a value that is formatted into a string."""

#: A list with fewer strings is no list of source lines.
LINES_IN_LIST = 3
_EMITTERS = {"append", "emit", "write", "writeln", "line", "add", "add_line", "push"}
_UNWRAP = {"dedent", "strip", "lstrip", "rstrip", "indent", "replace", "format", "format_map"}
_STRINGS = frozenset({ast.Call, ast.List, ast.Constant, ast.JoinedStr, ast.BinOp})
_PERCENT = regex(r"%(?:\((\w+)\))?[-+ #0]*\d*(?:\.\d+)?[a-zA-Z]")
_OPENED = regex(r"(?:\"\"\"|''')\\\s*$")
_BRACES = regex(r"(?<!\{)\{(\w*)(?:[.\[][^{}]*)?(?:![rsa])?(?::[^{}]*)?\}(?!\})")


class Line(NamedTuple):
    """A line of generated source, and the line of the file that it is written on."""

    text: str
    number: int


class _Chunk(NamedTuple):
    text: str
    lines: tuple[int, ...]  # one for each line of the text


def strings_of(module: Module) -> Sequence[list[Line]]:
    """The strings of a module that may hold a program: several lines, or a list of lines."""
    known: list[list[Line]] | None = getattr(module.tree, "_mok_strings", None)
    if known is None:
        known = list(_strings_in(module))
        module.tree._mok_strings = known  # type: ignore[attr-defined]
    return known


def _strings_in(module: Module) -> Iterator[list[Line]]:
    leads = _leading_to_lines(module.tree)
    emitted: dict[tuple[int, str], list[_Chunk]] = {}
    docs = _docstrings(module.tree)
    waiting: list[tuple[ast.AST, int]] = [(module.tree, 0)]
    while waiting:
        node, scope = waiting.pop()
        if node not in leads:
            continue
        kind = node.__class__
        if kind not in _STRINGS:
            # Most nodes: what follows is asked of those alone that can be a string.
            if kind is ast.FunctionDef or kind is ast.AsyncFunctionDef:
                scope = node.lineno  # type: ignore[attr-defined]
            waiting.extend((child, scope) for child in reversed(children(node)))
            continue
        if id(node) in docs:
            continue
        try:
            chunks = _string_at(node, scope, module, emitted)
        except RecursionError:
            continue  # A sum of a thousand strings is no program that we could read.
        if chunks is None:
            waiting.extend((child, scope) for child in reversed(children(node)))
        elif len(lines := _lines(chunks)) > 1:
            yield lines
    for chunks in emitted.values():
        if len(lines := _lines(chunks)) > 1:
            yield lines


def _leading_to_lines(tree: ast.Module) -> set[ast.AST]:
    """The nodes that may be several lines of text, or emit a line, and what they stand in.

    Most of a module leads to none: a string without an end of line is one line, unless it is
    added to another, is one of a list, or is passed to something that emits lines.
    """
    nodes = nodes_of(tree)
    parents = nodes.parents
    found: set[ast.AST] = {tree}
    starts: list[ast.AST] = [
        constant
        for constant in nodes.of(ast.Constant)
        if constant.value.__class__ is str and "\n" in str(constant.value)
    ]
    starts += (n for n in nodes.of(ast.BinOp) if n.op.__class__ is ast.Add)
    starts += (n for n in nodes.of(ast.List) if len(n.elts) >= LINES_IN_LIST)
    starts += (n for n in nodes.of(ast.Call) if getattr(n.func, "attr", None) in _EMITTERS)
    for node in starts:
        while node not in found:
            found.add(node)
            node = parents[node]
    return found


def _string_at(
    node: ast.AST, scope: int, module: Module, emitted: dict[tuple[int, str], list[_Chunk]]
) -> list[_Chunk] | None:
    """The string that *node* is, or None when it is something else.

    A line that is emitted goes to the lines of its receiver in that function.
    """
    match node:
        case ast.Call(func=ast.Attribute(value=receiver, attr=name), args=[line]) if (
            name in _EMITTERS and _is_stringy(line)
        ):
            known = emitted.setdefault((scope, ast.unparse(receiver)), [])
            known.extend(_ended(_chunks(line, module)))
            return []
        case ast.List():
            return _elements(node, module)
        case ast.expr() if _is_stringy(node):
            return _chunks(node, module)
        case _:
            return None


def logical_lines(lines: list[Line]) -> Iterator[list[Line]]:
    """Lines joined while a bracket is open."""
    group: list[Line] = []
    depth = 0
    for line in lines:
        if not group and not line.text.strip():
            continue
        group.append(line)
        bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", line.text)
        depth += sum(bare.count(c) for c in "([{") - sum(bare.count(c) for c in ")]}")
        if depth <= 0 or len(group) > 60:
            yield group
            group, depth = [], 0
    if group:
        yield group


def _docstrings(tree: ast.Module) -> set[int]:
    return {
        id(node.value)
        for node in nodes_of(tree).of(ast.Expr)
        if isinstance(node.value, ast.Constant)
    }


def _is_stringy(node: ast.expr) -> bool:
    # Kept: a sum of a thousand operands is asked again for each sum in it.
    known: bool | None = getattr(node, "_mok_stringy", None)
    if known is None:
        known = _holds_string(node)
        node._mok_stringy = known  # type: ignore[attr-defined]
    return known


def _holds_string(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.BinOp(left=left, op=ast.Mod()):
            return _is_stringy(left)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _is_stringy(left) or _is_stringy(right)
        case ast.Call(func=ast.Attribute(attr="dedent" | "indent"), args=[first, *_]):
            return _is_stringy(first)
        case ast.Call(func=ast.Name(id="dedent"), args=[first, *_]):
            return _is_stringy(first)
        case ast.Call(func=ast.Attribute(value=base, attr="join"), args=[ast.List() as items]):
            return _is_stringy(base) and bool(items.elts)
        case ast.Call(func=ast.Attribute(value=base, attr=name)) if name in _UNWRAP:
            return _is_stringy(base)
        case _:
            return False


def _chunks(node: ast.expr, module: Module) -> list[_Chunk]:
    match node:
        case ast.Constant(value=str()):
            return list(_constant(node, module))
        case ast.JoinedStr():
            return [_fstring(node, module)]
        case ast.BinOp(left=left, op=ast.Mod()) if _is_stringy(left):
            return [_filled(c, _PERCENT, "%") for c in _chunks(left, module)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [*_chunks(left, module), *_chunks(right, module)]
        case ast.Call(func=ast.Attribute(attr="dedent" | "indent"), args=[first, *_]):
            return _chunks(first, module)
        case ast.Call(func=ast.Name(id="dedent"), args=[first, *_]):
            return _chunks(first, module)
        case ast.Call(func=ast.Attribute(attr="join"), args=[ast.List() as items]):
            return _elements(items, module) or [_Chunk(HOLE, (node.lineno,))]
        case ast.Call(func=ast.Attribute(value=base, attr="format" | "format_map")) if _is_stringy(
            base
        ):
            return [_filled(c, _BRACES, "{}") for c in _chunks(base, module)]
        case ast.Call(func=ast.Attribute(value=base)) if _is_stringy(base):
            return _chunks(base, module)
        case _:
            return [_Chunk("" if is_indent(node) else HOLE, (node.lineno,))]


def _elements(node: ast.List, module: Module) -> list[_Chunk] | None:
    """The elements of a list of source lines, each ended; None when it is another list."""
    stringy = [e for e in node.elts if _is_stringy(e)]
    if len(stringy) < LINES_IN_LIST or len(stringy) * 2 < len(node.elts):
        return None
    found: list[_Chunk] = []
    for element in node.elts:
        inner = element.value if isinstance(element, ast.Starred) else element
        found.extend(_ended(_chunks(inner, module)))
    return found


def _ended(chunks: list[_Chunk]) -> list[_Chunk]:
    last = chunks[-1]
    if last.text.endswith("\n"):
        return chunks
    return [*chunks, _Chunk("\n", (last.lines[-1], last.lines[-1]))]


def _constant(node: ast.Constant, module: Module) -> Iterator[_Chunk]:
    text = str(node.value)
    first, last = node.lineno, node.end_lineno or node.lineno
    if first == last:
        yield _Chunk(text, (first,) * (text.count("\n") + 1))
        return
    if len(text) > MAX_TEXT:
        yield _Chunk(text, _numbers(text, first, last))
        return
    source = "\n".join(
        [
            module.lines[first - 1].encode()[node.col_offset :].decode(errors="replace"),
            *module.lines[first:last],
        ]
    )
    found: list[_Chunk] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(f"({source})").readline):
            if token.type == tokenize.STRING:
                value = ast.literal_eval(token.string)
                start = first + token.start[0] - 1
                skip = int(bool(re.match(r"[rRuU]*(\"\"\"|''')\\\n", token.string)))
                found.append(_Chunk(value, _numbers(value, start + skip, first + token.end[0] - 1)))
    except (tokenize.TokenError, SyntaxError, ValueError, IndentationError):
        pass
    if "".join(c.text for c in found if isinstance(c.text, str)) == text:
        yield from found
    else:
        yield _Chunk(text, _numbers(text, first, last))


def _numbers(text: str, first: int, last: int) -> tuple[int, ...]:
    return tuple(min(first + n, last) for n in range(text.count("\n") + 1))


def _fstring(node: ast.JoinedStr, module: Module) -> _Chunk:
    text = "".join(str(v.value) if isinstance(v, ast.Constant) else HOLE for v in node.values)
    if is_indented(node):
        text = text.removeprefix(HOLE)
    first, last = node.lineno, node.end_lineno or node.lineno
    # A line of the text starts after each line of the source that no backslash continues.
    starts = [n for n in range(first, last + 1) if n == first or not _goes_on(module, n - 1)]
    if first < last and _OPENED.search(module.lines[first - 1]):
        starts[0] = first + 1
    count = text.count("\n") + 1
    return _Chunk(text, tuple(starts[min(n, len(starts) - 1)] for n in range(count)))


def _goes_on(module: Module, number: int) -> bool:
    """Whether the text of a line of the source goes on in the next one."""
    line = module.lines[number - 1].rstrip("\r\n")
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _filled(chunk: _Chunk, pattern: re.Pattern[str], kind: str) -> _Chunk:
    text = pattern.sub(lambda m: HOLE if "%%" not in m[0] else m[0], chunk.text)
    text = text.replace("%%", "%") if kind == "%" else text.replace("{{", "{").replace("}}", "}")
    return _Chunk(text, chunk.lines)


def _lines(chunks: list[_Chunk]) -> list[Line]:
    """The lines of a string; a value between two whole lines is a line of its own."""
    found: list[Line] = []
    text, number = "", 0
    for position, chunk in enumerate(chunks):
        following = chunks[position + 1].text if position + 1 < len(chunks) else ""
        if chunk.text == HOLE and not text and following[:1] in ("", " ", "\t"):
            indent = following[: len(following) - len(following.lstrip(" \t"))]
            found.append(Line(indent + HOLE, chunk.lines[0]))
            continue
        pieces = chunk.text.split("\n")
        for index, piece in enumerate(pieces):
            if piece or not text:
                number = number if text else chunk.lines[min(index, len(chunk.lines) - 1)]
            text += piece
            if index + 1 < len(pieces):
                found.append(Line(text, number))
                text, number = "", 0
    if text:
        found.append(Line(text, number))
    return found
