from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.assigned import made_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.carried import values_of
from metaflow_orchestrator_kit.validate.rules.dumped import with_flow
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.flag_values import unwrapped
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import walk

FLAG = "--input-paths"
_MAKER = regex(r"^_?(?:\w+_)?(?:input_?paths?|inputs)(?:_for|_of)?$", re.I)
_STEP = regex(r"^(?:\w+_)?step(?:_name)?$|^s$", re.I)
_TASK = regex(r"^(?:\w+_)?task(?:_?id)?$|^t$", re.I)
_FIX = "Pass `<run>/<step>/<task>` of each parent, separated by commas without blanks."


class InputPathForm(Rule):
    """Input paths lack the run, or are not separated by commas.

    `--input-paths` takes `<run>/<step>/<task>`, with commas between several. From anything else a
    step reads tasks that do not exist, or an error about the number of parts.
    """

    code = "MOK307"
    name = "input-path-malformed"
    clauses = ("F3", "F4")
    severity = Severity.ERROR

    VALID = (
        Example("run, step and task", compiler("""\
        def inputs(run, parents):
            return ",".join(f"{run}/{step}/{task}" for step, task in parents)
        def command(node, run, parents):
            cmd = ["python", "flow.py", "step", node, "--run-id", run, "--task-id", "t"]
            return cmd + ["--input-paths", inputs(run, parents)]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("without the run", compiler("""\
        def inputs(parents):
            return ",".join(f"{p.step}/{p.task_id}" for p in parents)  # <-- here
        def command(node, run, parents):
            cmd = ["python", "flow.py", "step", node, "--run-id", run, "--task-id", "t"]
            return cmd + ["--input-paths", inputs(parents)]
        """)),
        Example("with the flow in front, for dump", compiler("""\
        def exists(flow, run, task):
            path = f"{flow}/{run}/_parameters/{task}"
            return ["python", flow, "dump", "--max-value-size=0", path]  # <-- here
        """)),
        Example("separated by blanks", compiler("""\
        def command(node, run, paths):
            joined = " ".join(paths)
            cmd = ["python", "flow.py", "step", node, "--run-id", run, "--task-id", "t"]
            return cmd + ["--input-paths", joined]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for place in with_flow(analysis):
            text = "the flow stands in front of the run: a task is named `<run>/<step>/<task>` here"
            verdict.fail(place, text, "Leave the flow's name out; `flow.py` names it already.")
        given = list(values_of(analysis, FLAG))
        if not given:
            verdict.not_applicable(f"`{FLAG}` is not seen beside its value")
            return
        for program, value in given:
            made = [unwrapped(m) for m in made_of(program, unwrapped(value))]
            separator = next((s for m in made if (s := _separator(m))), None)
            if separator:
                text = f"input paths are separated by {separator!r}, not by commas"
                verdict.fail(program.place(value), text, _FIX)
            else:
                verdict.ok(program.place(value), "no other separator than a comma was seen")
            for whole in made:
                _judge_parts(program, whole, verdict)
        for program, node in _makers(analysis):
            _judge_parts(program, node, verdict)


def _separator(node: ast.expr) -> str:
    """What is put between the paths, when it cannot be right."""
    match node:
        case ast.Call(func=ast.Attribute(attr="join", value=ast.Constant(value=str(text)))):
            return text if text in (" ", ";", ", ", "|", "\n") else ""
        case _:
            return ""


def _makers(analysis: Analysis) -> Iterator[tuple[Program, ast.AST]]:
    """What functions that are named after input paths answer."""
    for program in programs(analysis):
        for function in program.nodes(ast.FunctionDef):
            if _MAKER.match(function.name):
                for node in walk(function):
                    if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
                        yield program, node.value


def _judge_parts(program: Program, value: ast.AST, verdict: Judge) -> None:
    for node in walk(value):
        parts = _parts(node)
        if len(parts) == 2 and _STEP.match(parts[0]) and _TASK.match(parts[1]):
            verdict.fail(
                program.place(node),
                "an input path is made of step and task, without the run",
                _FIX,
                confidence=Confidence.MEDIUM,
            )


def _parts(node: ast.AST) -> list[str]:
    """The names of the two things of ``f"{a}/{b}"`` or ``"%s/%s" % (a, b)``."""
    match node:
        case ast.JoinedStr(values=[ast.FormattedValue(value=a), mid, ast.FormattedValue(value=b)]):
            return [terminal(a), terminal(b)] if literal(mid) == "/" else []
        case ast.BinOp(
            left=ast.Constant(value="%s/%s"), op=ast.Mod(), right=ast.Tuple(elts=[a, b])
        ):
            return [terminal(a), terminal(b)]
        case _:
            return []
