from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.generated import readings
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.filled_programs import unreadable
from metaflow_orchestrator_kit.validate.source_lines import HOLE

_BEGINS = regex(r"\s*(?:#|import \w|from [\w.]+ import |def \w+\(|class \w+[(:]|@\w)")
_DEFINES = regex(r"(?m)^[ \t]*(?:async )?def [\w.-]+\(.*\).*:[ \t]*$")
#: Notations of templates: what is put there may close what is open.
_FILLED_LATER = regex(r"\{%|\{\{|\}\}|<%|\$\{?[a-zA-Z_]|%\(|%[sdr]|__[A-Z]+__|\{\w*\}|<\w+>")
_STRINGS = regex(r"\"[^\"\n]*\"|'[^'\n]*'")
_NO_NAME = regex(rf"\s*(?:async )?def\s+(?:\w*{HOLE}\w*[.-]|\w+[.-]\w*{HOLE})")
_CERTAIN = regex(r"never closed|unmatched|does not match|expected an indented block|unterminated")


class ProgramUnreadable(Rule):
    """A program in a string is not Python: a bracket is open, a block is empty.

    The extension deploys it all the same, and every run fails when the scheduler loads the file:
    a SyntaxError in a log that is far from here. Parse what is generated, at create.
    """

    code = "MOK913"
    name = "program-not-python"
    clauses = ("D12",)
    severity = Severity.ERROR

    VALID = (
        Example("a program", compiler('''\
        def source(step):
            return f"""
        import subprocess
        def task():
            subprocess.run(["echo", "{step}"])
        """
        ''')),
    )  # fmt: skip
    INVALID = (
        Example("a line break that comes too early", compiler('''\
        SOURCE = """
        import subprocess
        def task(cmd):
            done = subprocess.run(cmd)
            if done.returncode:
                raise RuntimeError(f"step {step} failed:\\n{{done.returncode}}")  # <-- here
        """
        def source(step):
            return SOURCE.format(step=step)
        ''')),
        Example("an open bracket", compiler('''\
        def source(step):
            return f"""
        import subprocess
        def task():
            subprocess.run(["echo", "{step}"]  # <-- here
        """
        ''')),
        Example("an empty block", compiler('''\
        SOURCE = """
        import subprocess
        def task():
            if subprocess:
            subprocess.run(["echo"])  # <-- here
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no string holds a whole program")
        for program in programs(analysis):
            for place, what in unreadable(program):
                verdict.fail(
                    place,
                    f"the program that comes out of this template is not Python: {what}",
                    "Write the line break as \\\\n: the template itself is a string already.",
                )
            for node, text in _whole(program):
                line = _fault(text)
                place = program.place(node)
                if line is None:
                    verdict.ok(place, "the program in the string is Python, or filled in later")
                    continue
                at = min(node.lineno + line[0] - 1, node.end_lineno or node.lineno)
                verdict.fail(
                    Origin(place.path, at, 1, at),
                    f"the program that is written out is not Python: {line[1]}",
                    "Correct it, and try ast.parse() on what is generated in a test.",
                    confidence=Confidence.MEDIUM,
                )


def _whole(program: Program) -> Iterator[tuple[ast.expr, str]]:
    """The strings that are whole programs: not put together, emitted or filled in elsewhere."""
    if program.module is None:
        return
    for node in (*program.nodes(ast.JoinedStr), *program.nodes(ast.Constant)):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        text = "".join(
            str(p.value) if isinstance(p, ast.Constant) else HOLE
            for p in parts
            if not isinstance(p, ast.Constant) or isinstance(p.value, str)
        )
        if "\n" not in text or program.is_text(node):
            continue
        if _BEGINS.match(text) and _DEFINES.search(text) and _stands_alone(program, node):
            yield node, text


def _stands_alone(program: Program, node: ast.expr) -> bool:
    match next(program.parents(node), None):
        case ast.Assign() | ast.AnnAssign() | ast.Return():
            return True
        case ast.Call() as call:
            return called(call) == "dedent"
        case _:
            return False


def _fault(text: str) -> tuple[int, str] | None:
    """The line that cannot be read, and why, where nothing that is filled in could mend it."""
    if _FILLED_LATER.search(re.sub(HOLE, "", text)):
        return None
    for reading in readings(text):
        try:
            _parse(reading)
        except (ValueError, RecursionError, MemoryError):
            continue
        except SyntaxError:
            continue
        return None
    for number, line in enumerate(text.split("\n"), 1):
        if _NO_NAME.match(line):
            return number, "what is formatted into a function's name is joined by a dot or a dash"
    try:
        _parse(textwrap.dedent(text))
    except SyntaxError as error:
        number = error.lineno or 1
        bare = [HOLE in _STRINGS.sub("", line) for line in text.split("\n")]
        if not any(bare) and _CERTAIN.search(error.msg):
            return number, error.msg
    except (ValueError, RecursionError, MemoryError):
        pass
    return None


def _parse(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ast.parse(text)
