"""The tasks that commands are told to read, as they are written."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.rules.flag_values import flag_values, unwrapped
from metaflow_orchestrator_kit.validate.source_lines import HOLE
from metaflow_orchestrator_kit.validate.walking import walk


def with_flow(analysis: Analysis) -> Iterator[Origin]:
    """Where `dump` or `--input-paths` gets `<flow>/<run>/<step>/<task>`: one part too many."""
    for program in programs(analysis):
        for listed in (*program.nodes(ast.List), *program.nodes(ast.Tuple)):
            if not isinstance(listed, ast.List | ast.Tuple):
                continue
            words = [getattr(e, "value", None) for e in listed.elts]
            if "dump" in words:
                for value in listed.elts[words.index("dump") + 1 :]:
                    if _parts(program, value) == 4:
                        yield program.place(value)
    for program, value in flag_values(analysis, "--input-paths"):
        if _parts(program, unwrapped(value)) == 4:
            yield program.place(value)


def _parts(program: Program, node: ast.expr, depth: int = 0) -> int:
    """How many parts a path has that is one template; 0 for anything else."""
    match node:
        case ast.JoinedStr(values=values):
            text = "".join(str(v.value) if isinstance(v, ast.Constant) else HOLE for v in values)
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
            pass
        case ast.Name(id=name) if depth < 2:
            function = program.function(node)
            made = [
                n.value
                for n in (walk(function) if function is not None else ())
                if isinstance(n, ast.Assign)
                and any(isinstance(t, ast.Name) and t.id == name for t in n.targets)
            ]
            return _parts(program, made[0], depth + 1) if len(made) == 1 else 0
        case _:
            return 0
    parts = text.split("/")
    return 0 if "," in text or ":" in text or "" in parts or " " in text else len(parts)
