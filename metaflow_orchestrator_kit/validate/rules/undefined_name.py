from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.bound import never_bound
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.walking import walk

_ASSIGNED = regex(r"(?m)^\s*([A-Za-z_]\w*)\s*=(?!=)")
_IMPORTS = regex(r"\b(?:import|as)\s+([\w., ]+)")


class NameNotDefined(Rule):
    """A name is read that nothing defines.

    Python says so only when that line is reached: in a branch for one kind of step, or, in code
    that the extension generates, inside the scheduler, where the run fails with NameError. A
    helper that was renamed and an import that stayed behind are the usual causes.

    Define or import the name; in generated code, in the program that is written out.
    """

    code = "MOK911"
    name = "name-not-defined"
    clauses = ()
    severity = Severity.ERROR

    VALID = (
        Example("imported", compiler("""\
        import json

        def body(plan):
            return json.dumps(plan)
        """)),
        Example("imported where the program is written", compiler('''\
        HEAD = "import os, shutil"

        def source(step):
            return HEAD + f"""
        def clean(path):
            shutil.rmtree(os.path.join(path, {step!r}))
        """
        ''')),
    )  # fmt: skip
    INVALID = (
        Example("an import that is missing", compiler("""\
        def body(plan):
            if plan.triggers:
                return json.dumps(plan.triggers)  # <-- here
            return ""
        """)),
        Example("in generated code", compiler('''\
        def source(step):
            return f"""
        import subprocess

        def clean(path):
            shutil.rmtree(path)  # <-- here
            subprocess.run(["echo", {step!r}])
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        read = programs(analysis)
        written = _bound_in_strings(analysis)
        for program in read:
            found = list(_undefined(program, written))
            for node in found:
                where = "the generated program" if program.generated else "the module"
                verdict.fail(
                    program.place(node),
                    f"`{node.id}` is not defined in {where}",
                    f"Define or import `{node.id}` there.",
                )
            if not found and program.module is not None:
                verdict.ok(None, "every name that is read is defined")
        if not read:
            verdict.not_applicable("there is no code to read")


def _undefined(program: Program, written: set[str]) -> Iterator[ast.Name]:
    """One read of each name that is not defined.

    What a generated program gets from its surroundings is not known, except that modules of the
    standard library have to be imported by somebody. What a module of the extension reads may be
    written in front of it, when it is copied to become a program; a `noqa` says that it is meant.
    """
    lines = program.module.lines if program.module else ()
    seen: set[str] = set()
    for node in never_bound(program.tree):
        if node.id in seen or node.id in written:
            continue
        if 0 < node.lineno <= len(lines) and "noqa" in lines[node.lineno - 1]:
            continue
        if program.generated and not (
            program.whole
            and node.id in sys.stdlib_module_names
            and isinstance(next(program.parents(node), None), ast.Attribute)
        ):
            continue
        seen.add(node.id)
        yield node


def _bound_in_strings(analysis: Analysis) -> set[str]:
    """The names that imports and assignments in string literals bind, anywhere in the extension."""
    found: set[str] = set()
    for module in analysis.project.modules:
        for node in walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(_bound_in(node.value))
    for path in analysis.project.templates:
        found.update(_bound_in(path.read_text(encoding="utf-8", errors="replace")))
    return found


def _bound_in(text: str) -> Iterator[str]:
    if "import" in text:
        for match in _IMPORTS.finditer(text):
            yield from re.findall(r"\w+", match[1])
    if "=" in text:
        yield from _ASSIGNED.findall(text)
