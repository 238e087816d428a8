"""The roots that datastores are opened with in code, rather than on a command line."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.rules.syntax import literal, words_of
from metaflow_orchestrator_kit.validate.walking import walk

_VARIABLE = "METAFLOW_DATASTORE_SYSROOT_LOCAL"
_KEYWORD = "ds_root"


def sysroot_as_root(analysis: Analysis) -> Iterator[Origin]:
    """Where a datastore is opened under the directory that holds `.metaflow`, not under that."""
    for program in programs(analysis):
        for call in program.nodes(ast.Call):
            root = next((k.value for k in call.keywords if k.arg == _KEYWORD), None)
            if root is not None and any(_is_sysroot(v) for v in _values(program, call, root)):
                yield program.place(call)


def _values(program: Program, call: ast.Call, root: ast.expr) -> list[ast.expr]:
    """The expressions that the root may be, when the function does not add `.metaflow` to them."""
    function = program.function(call) or program.tree
    if {".metaflow", "DATASTORE_LOCAL_DIR"} & words_of(function) or _adds_folder(function):
        return []
    if isinstance(root, ast.BoolOp):
        return [v for value in root.values for v in _values(program, call, value)]
    if not isinstance(root, ast.Name):
        return [root]
    return [
        v
        for n in walk(function)
        if isinstance(n, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == root.id for t in n.targets)
        for v in (n.value.values if isinstance(n.value, ast.BoolOp) else [n.value])
    ]


def _adds_folder(function: ast.AST) -> bool:
    return any(
        isinstance(n, ast.Constant) and isinstance(n.value, str) and ".metaflow" in n.value
        for n in walk(function)
    )


def _is_sysroot(node: ast.expr) -> bool:
    """``os.environ.get(VARIABLE, ...)``, ``os.environ[VARIABLE]``, ``os.getenv(VARIABLE)``."""
    match node:
        case ast.Call(args=[name, *_]):
            return called(node) in ("get", "getenv") and literal(name) == _VARIABLE
        case ast.Subscript(slice=name):
            return literal(name) == _VARIABLE
        case _:
            return False
