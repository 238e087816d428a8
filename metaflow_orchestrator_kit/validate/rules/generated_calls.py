"""Calls in programs that are written out piece by piece, and so are no source to parse."""

from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.rules.syntax import nodes


def given_in_text(analysis: Analysis, keyword: str) -> Origin | None:
    """Where a line of text gives *keyword* something else than a number or its own name."""
    given = re.compile(rf"\b{keyword}=(?!\s|\d|{keyword}\b|$)")
    for module, node in nodes(analysis, ast.JoinedStr, ast.Constant):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        text = "".join(str(p.value) if isinstance(p, ast.Constant) else "_" for p in parts)
        # A text of several lines is a program, and read as one.
        if text.count("\n") < 2 and given.search(text):
            return analysis.place(module, node)
    return None
