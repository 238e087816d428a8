"""Where the code learns what a finished task decided: how wide to fan out, which branch to take."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.rules.syntax import function_of, nodes, words_of

WIDTH = "_foreach_num_splits"
BRANCH = "_transition"
ARTIFACTS = frozenset([WIDTH, BRANCH])


def readers(analysis: Analysis) -> Iterator[tuple[Module, ast.AST, frozenset[str]]]:
    """The functions that mention one of the artifacts, and which."""
    seen: set[ast.AST] = set()
    for module, node in nodes(analysis, ast.Constant, ast.Attribute):
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "value", None)
        if name not in ARTIFACTS:
            continue
        function = function_of(analysis, node)
        if function is not None and function not in seen:
            seen.add(function)
            yield module, function, ARTIFACTS & words_of(function)


def reader_names(analysis: Analysis) -> frozenset[str]:
    """The names of the functions that read one of the artifacts."""
    found = (getattr(f, "name", "") for _, f, _ in readers(analysis))
    return frozenset(name for name in found if name)
