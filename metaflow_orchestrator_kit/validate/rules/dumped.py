"""The tasks that commands are told to read, as they are written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.rules.flag_values import flag_values, unwrapped
from metaflow_orchestrator_kit.validate.rules.put_together import assembled


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


def _parts(program: Program, node: ast.expr) -> int:
    """How many parts a path has that is put together here; 0 for anything else."""
    found = assembled(program, node)
    if found is None or not found.holes:
        return 0
    parts = found.text.split("/")
    return 0 if re.search(r"[,: ]", found.text) or "" in parts else len(parts)
