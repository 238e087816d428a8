"""Texts of a prefix and one thing, such as `"acme-" + name.lower()`: what goes in, and how."""

from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.programs import Program
from metaflow_orchestrator_kit.validate.records import record, regex
from metaflow_orchestrator_kit.validate.rules.assigned import made_of

_PREFIX = regex(r"^[a-z][a-z0-9_.]*[-_]$")
_SUFFIX = regex(r"^(?:[-_.][a-z0-9_.-]*)?$")
_CHANGES = {"lower", "upper", "replace", "strip", "lstrip", "rstrip", "title", "casefold"}
_NEUTRAL = {"encode", "decode", "hexdigest"}
_HASHES = {"md5", "sha1", "sha224", "sha256", "sha512", "blake2b", "blake2s"}
_LONGEST = 12
"""How many conversions in a row are followed."""


@record()
class Way:
    """The text with a hole in it, the name of what fills it, and what is done to that before."""

    text: str
    subject: str
    steps: tuple[str, ...]


def written(node: ast.expr) -> tuple[str, ast.expr] | None:
    """The text around the one hole of an expression that begins with a prefix, and the hole."""
    match node:
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Add(), right=hole):
            return _framed(text, "", hole)
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=hole):
            before, percent, after = text.partition("%s")
            if isinstance(hole, ast.Tuple):
                if len(hole.elts) != 1:
                    return None
                hole = hole.elts[0]
            return _framed(before, after, hole) if percent and "%" not in after else None
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), ast.FormattedValue() as hole]):
            return _framed(text, "", hole.value)
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format"), args=[hole]
        ):
            before, braces, after = text.partition("{}")
            return _framed(before, after, hole) if braces and "{" not in after else None
        case _:
            return None


def _framed(before: str, after: str, hole: ast.expr) -> tuple[str, ast.expr] | None:
    if not _PREFIX.search(before) or not _SUFFIX.search(after):
        return None
    return f"{before}…{after}", hole


def way_of(program: Program, text: str, hole: ast.expr) -> Way | None:
    """What fills the hole and how it was changed; None where that cannot be followed."""
    way = _followed(text, hole)
    if way is None or way.steps or not isinstance(hole, ast.Name):
        return way
    # A variable: what its function gave it, when it was given one thing.
    _, *given = made_of(program, hole)
    inner = _followed(text, given[0]) if len(given) == 1 else None
    return inner if inner is not None and inner.steps else way


def _followed(text: str, node: ast.expr) -> Way | None:
    steps: list[str] = []
    for _ in range(_LONGEST):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                return Way(text, name.lstrip("_"), tuple(reversed(steps)))
            case ast.Subscript(value=inner, slice=ast.Slice() as cut):
                steps.append(f"[{ast.unparse(cut)}]")
                node = inner
            case ast.Call(func=ast.Name(id="str"), args=[inner]):
                node = inner
            case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in _NEUTRAL:
                node = inner
            case ast.Call(func=ast.Attribute(value=inner, attr=name), args=args) if (
                name in _CHANGES
            ):
                steps.append(f"{name}({', '.join(map(ast.unparse, args))})")
                node = inner
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[inner, *_]) if (
                name in _HASHES
            ):
                steps.append(f"{name}()")
                node = inner
            case _:
                return None
    return None
