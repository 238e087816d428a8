"""Which functions are worth following: those that have to do with commands, and their callers.

A large project has few of them. The others are followed only where a relevant one calls them, and
only while they are small.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from metaflow_orchestrator_kit.validate.model.values import FunctionInfo
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.walking import walk

# A sub-command at either end of a string, not amid a sentence; options and variables; the keys of
# what is written to the attribute file; the class of a stub.
_SEED = regex(
    r"^[\s'\"]*(?:step|init|dump)(?![\w-])|(?<![\w-])(?:step|init|dump)[\s'\"]*$|--[a-z]|METAFLOW_|"
    r"^(?:pathspec|metadata)$|class $|get_task_datastore|mflog"
)
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


def irrelevant(functions: Iterable[FunctionInfo], classes: Iterable[str]) -> list[FunctionInfo]:
    """The functions that neither name an option, a variable or a hook, nor call one that does.

    One that makes an object of one of the *classes* fills fields, which others may read: it is
    none of them.
    """
    made = {name for name in classes if not name.endswith(("Error", "Exception"))}
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
    return [
        info
        for info, names in references.items()
        if info not in relevant and names.isdisjoint(made)
    ]


def _called_as(info: FunctionInfo) -> str:
    """The name that a caller writes: the class's for ``__init__``."""
    name = info.qualname.rpartition(".")[2]
    return info.owner.name if name == "__init__" and info.owner else name


def _scan(node: ast.AST) -> tuple[set[str], bool]:
    """The names in a function, and whether it has to do with commands by itself.

    Its docstring and its decorators do not count: neither is followed.
    """
    names: set[str] = set()
    seeded = False
    body = getattr(node, "body", node)
    statements: list[ast.AST] = body if isinstance(body, list) else [body]
    arguments = getattr(node, "args", None)
    for statement in (*statements, *((arguments,) if arguments is not None else ())):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        for child in walk(statement):
            kind = child.__class__
            if kind is ast.Name:
                names.add(child.id)  # type: ignore[attr-defined]
            elif kind is ast.Attribute:
                names.add(child.attr)  # type: ignore[attr-defined]
            elif kind is ast.keyword and child.arg:  # type: ignore[attr-defined]
                names.add(child.arg)  # type: ignore[attr-defined]
            elif kind is ast.Constant and not seeded:
                value = child.value  # type: ignore[attr-defined]
                seeded = value.__class__ is str and _SEED.search(value[:20_000]) is not None
    return names, seeded or not names.isdisjoint(_SEED_NAMES)


def is_small(node: ast.AST) -> bool:
    """Whether a function can be followed for the sake of the value that it returns."""
    return all(count <= SMALL for count, _ in enumerate(walk(node)))
