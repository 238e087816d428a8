"""What is formatted in before a line of source, to indent it."""

from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.records import regex

_NAMES = regex(r"_*(?:indent(?:ation)?|ind|pad(?:ding)?|pfx|tabs?|sp|spaces?)(?:_?\d+)?_*", re.I)


def is_indent(node: ast.AST) -> bool:
    """Whether an expression stands for white space: `INDENT`, `pad + "  "`, `" " * 4`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return bool(_NAMES.fullmatch(name))
        case ast.BinOp(left=left, op=ast.Mult() | ast.Add(), right=right):
            return is_indent(left) or is_indent(right)
        case ast.Constant(value=str(text)):
            return text.isspace()
        case _:
            return False


def is_indented(line: ast.JoinedStr) -> bool:
    """Whether an f-string begins with its indentation.

    Two blanks follow no name: what stands before them is one, whatever it is called.
    """
    match line.values:
        case [ast.FormattedValue(value=value), *_] if is_indent(value):
            return True
        case [ast.FormattedValue(), ast.Constant(value=str(text)), *_]:
            return text.startswith(("  ", "\t\t"))
        case _:
            return False
