"""Which functions are worth following: those that have to do with commands, and their callers.

A large project has few of them. The others are followed only where a relevant one calls them, and
only while they are small.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from metaflow_orchestrator_kit.validate.model.values import FunctionInfo

_SEED = re.compile(r"(?<![\w-])(?:step|init|dump)(?![\w-])|--[a-z]|METAFLOW_")
_SEED_NAMES = frozenset(
    {
        "flow_name",
        "from_deployment",
        "generate_fake_flow_file_contents",
        "get_lower_level_group",
        "get_top_level_options",
    }
)
SMALL = 600


def irrelevant(functions: Iterable[FunctionInfo]) -> list[FunctionInfo]:
    """The functions that neither name an option, a variable or a hook, nor call one that does."""
    references: dict[FunctionInfo, set[str]] = {}
    relevant: set[FunctionInfo] = set()
    for info in functions:
        names, seeded = _scan(info.node)
        references[info] = names
        if seeded or _called_as(info) in _SEED_NAMES:
            relevant.add(info)
    callers: dict[str, list[FunctionInfo]] = {}
    for info, names in references.items():
        for name in names:
            callers.setdefault(name, []).append(info)
    waiting = list(relevant)
    while waiting:
        for caller in callers.get(_called_as(waiting.pop()), ()):
            if caller not in relevant:
                relevant.add(caller)
                waiting.append(caller)
    return [info for info in references if info not in relevant]


def _called_as(info: FunctionInfo) -> str:
    """The name that a caller writes: the class's for ``__init__``."""
    name = info.qualname.rpartition(".")[2]
    return info.owner.name if name == "__init__" and info.owner else name


def _scan(node: ast.AST) -> tuple[set[str], bool]:
    names: set[str] = set()
    seeded = False
    for child in ast.walk(node):
        if isinstance(child, ast.Name):
            names.add(child.id)
        elif isinstance(child, ast.Attribute):
            names.add(child.attr)
        elif isinstance(child, ast.keyword) and child.arg:
            names.add(child.arg)
        elif isinstance(child, ast.Constant) and isinstance(child.value, str) and not seeded:
            seeded = bool(_SEED.search(child.value[:20_000]))
    return names, seeded or bool(names & _SEED_NAMES)


def is_small(node: ast.AST) -> bool:
    """Whether a function can be followed for the sake of the value that it returns."""
    return all(count <= SMALL for count, _ in enumerate(ast.walk(node)))
