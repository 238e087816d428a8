"""Templates that are filled by ``str.format`` and ``%``, with what they are filled from."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from string import Formatter

from metaflow_orchestrator_kit.validate.programs import Program
from metaflow_orchestrator_kit.validate.records import record, regex
from metaflow_orchestrator_kit.validate.source_lines import HOLE

_PERCENT = regex(r"%(?:\((\w*)\))?[-#0 +]*(?:\*|\d+)?(?:\.(?:\*|\d+))?[hlL]?([diouxXeEfFgGcrsa%])?")
_PLAIN = regex(r"\w+")


@record()
class Filling:
    """A template and what is put into it.

    ``fields`` are the names that the template asks for ("" for one without a name), ``given``
    maps the names that it gets to where they are given; ``count`` is how many come without one.
    ``rendered`` is the text with ``HOLE`` in each place, or "" when the template is broken, and
    ``broken`` says how.
    """

    node: ast.expr
    template: ast.Constant
    fields: frozenset[str]
    given: dict[str, ast.expr]
    count: int
    broken: str
    rendered: str


def fillings(program: Program) -> Iterator[Filling]:
    """Every template of *program* that is a constant, where all that it gets is written out."""
    for call in program.calls("format"):
        match call:
            case ast.Call(func=ast.Attribute(value=value), args=args, keywords=keywords):
                template = constant(program, value)
                known = all(k.arg for k in keywords) and not any(
                    isinstance(a, ast.Starred) for a in args
                )
                if template is not None and known:
                    given = {k.arg: k.value for k in keywords if k.arg}
                    yield _formatted(call, template, given, len(args))
    for node in program.nodes(ast.BinOp):
        match node:
            case ast.BinOp(op=ast.Mod(), left=left, right=ast.Dict(keys=keys, values=values)):
                template = constant(program, left)
                texts = [getattr(k, "value", None) for k in keys]
                if template is not None and all(isinstance(t, str) for t in texts):
                    given = {str(t): v for t, v in zip(texts, values, strict=True)}
                    yield _filled(node, template, given, 0)
            case ast.BinOp(op=ast.Mod(), left=left, right=ast.Tuple(elts=elts)):
                template = constant(program, left)
                if template is not None and not any(isinstance(e, ast.Starred) for e in elts):
                    yield _filled(node, template, {}, len(elts))
            case _:
                pass


def constant(program: Program, node: ast.expr) -> ast.Constant | None:
    """The string that *node* is: written there, or the one value of a name of the module."""
    match node:
        case ast.Constant(value=str()):
            return node
        case ast.Name(id=name):
            made = [
                a.value
                for a in program.nodes(ast.Assign)
                if any(isinstance(t, ast.Name) and t.id == name for t in a.targets)
            ]
            others = (
                *program.nodes(ast.AugAssign),
                *program.nodes(ast.arg),
                *program.nodes(ast.For),
            )
            rebound = any(
                getattr(o, "arg", "") == name or getattr(getattr(o, "target", 0), "id", "") == name
                for o in others
            )
            only = made[0] if len(made) == 1 and not rebound else None
            return only if isinstance(only, ast.Constant) and isinstance(only.value, str) else None
        case _:
            return None


def _formatted(
    node: ast.expr, template: ast.Constant, given: dict[str, ast.expr], count: int
) -> Filling:
    fields: set[str] = set()
    pieces: list[str] = []
    broken = ""
    try:
        for text, field, spec, _ in Formatter().parse(str(template.value)):
            pieces.append(text)
            if field is None:
                continue
            name = _PLAIN.match(field)
            fields.add(name[0] if name else field.strip())
            for _, inner, _, _ in Formatter().parse(spec or ""):
                fields.update([inner] if inner is not None else [])
            pieces.append(HOLE)
    except ValueError as error:
        broken = str(error)
    text = "" if broken else "".join(pieces)
    return Filling(node, template, frozenset(fields), given, count, broken, text)


def _filled(
    node: ast.expr, template: ast.Constant, given: dict[str, ast.expr], count: int
) -> Filling:
    text = str(template.value)
    found = [m for m in _PERCENT.finditer(text) if m[2] != "%" or m[1]]
    named = {m[1] for m in found if m[1] is not None}
    bare = [m for m in found if m[1] is None]
    broken = ""
    if given and bare:
        broken = f"`{bare[0][0]}` has no name, though the text is filled by names"
    elif count and not named and "*" not in "".join(m[0] for m in found) and len(bare) != count:
        broken = f"it has {len(bare)} places, and gets {count} values"
    rendered = "" if broken else _PERCENT.sub(_hole, text)
    return Filling(node, template, frozenset(named), given, count, broken, rendered)


def _hole(found: re.Match[str]) -> str:
    return "%" if found[2] == "%" and found[1] is None else HOLE
