"""Where the code learns what a finished task decided: how wide to fan out, which branch to take."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.rules.syntax import function_of, nodes, words_of

WIDTH = "_foreach_num_splits"
BRANCH = "_transition"
ARTIFACTS = frozenset([WIDTH, BRANCH])


Reader = tuple[Module, ast.AST, frozenset[str]]
_LABEL = "functions that mention a decision"


def readers(analysis: Analysis) -> Sequence[Reader]:
    """The functions that mention one of the artifacts, and which; worked out once."""
    known = analysis.memo.get(_LABEL)
    if not isinstance(known, tuple):
        known = analysis.memo[_LABEL] = tuple(_readers(analysis))
    return known


def _readers(analysis: Analysis) -> Iterator[Reader]:
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
