"""Calls in programs that are written out piece by piece, and so are no source to parse."""

from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.rules.per_place import callers
from metaflow_orchestrator_kit.validate.rules.syntax import index, nodes


def given_in_text(analysis: Analysis, keyword: str, command: Command) -> Origin | None:
    """Where a line of text gives *keyword* something else than a number or its own name.

    What a function gets that does not come to *command* says nothing about it.
    """
    given = re.compile(rf"(?:\b(\w+)\([^()]*)?\b{keyword}=(?!\s|\d|{keyword}\b|$)")
    known = callers(analysis, command.function.node) if command.function is not None else None
    parents = index(analysis).parents
    for module, node in nodes(analysis, ast.JoinedStr, ast.Constant):
        if isinstance(parents.get(node), ast.JoinedStr):
            continue
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        text = "".join(str(p.value) if isinstance(p, ast.Constant) else "_" for p in parts)
        # A text of several lines is a program, and read as one.
        found = given.search(text) if text.count("\n") < 2 else None
        if found and (known is None or not found[1] or found[1] in known):
            return analysis.place(module, node)
    return None
