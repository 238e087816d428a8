"""Which functions of the project a function may end up in, by the names it calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.project import Module, Project, dotted
from metaflow_orchestrator_kit.validate.walking import walk

Function = ast.FunctionDef | ast.AsyncFunctionDef
_MAX_FUNCTIONS = 80


def reachable(
    project: Project, module: Module, start: Function
) -> Iterator[tuple[Module, Function]]:
    """*start* and the functions of the project that it calls, directly or through others.

    Plain and imported functions are followed, `module.function` too; methods are not, because
    the object they belong to would have to be known.
    """
    seen: set[int] = set()
    waiting: list[tuple[Module, Function]] = [(module, start)]
    while waiting and len(seen) < _MAX_FUNCTIONS:
        home, node = waiting.pop(0)
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield home, node
        for call in walk(node):
            if isinstance(call, ast.Call):
                found = _resolve(project, home, dotted(call.func) or "")
                if found is not None:
                    waiting.append(found)


def _resolve(project: Project, module: Module, name: str) -> tuple[Module, Function] | None:
    head, _, rest = name.partition(".")
    home: Module | None = module
    if rest:
        base, attribute = module.imports.get(head, ("", None))
        home = project.find_module(f"{base}.{attribute}" if attribute else base, module)
        head = rest
    elif head not in module.functions and head in module.imports:
        base, attribute = module.imports[head]
        home, head = project.find_module(base, module), attribute or head
    info = home.functions.get(head) if home is not None else None
    if home is None or info is None or isinstance(info.node, ast.Lambda):
        return None
    return home, info.node
