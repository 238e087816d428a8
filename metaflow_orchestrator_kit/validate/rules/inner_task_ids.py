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
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.features import mentions
from metaflow_orchestrator_kit.validate.rules.flag_values import flag_values, unwrapped
from metaflow_orchestrator_kit.validate.rules.items_of_one_id import one_id_for_all
from metaflow_orchestrator_kit.validate.rules.put_together import as_written
from metaflow_orchestrator_kit.validate.rules.syntax import terminal

_ID = regex(r"^(?:\w*_)?task_?id$", re.I)
_INDEX = regex(r"^(?:split|foreach|item|map)_?(?:index|idx|num)$|^idx$", re.I)
_STEP = regex(r"^(?:step|node)(?:_?name)?$", re.I)
_RUN = regex(r"run|execution", re.I)
_FIX = "Put the parent's task id, or the whole path of indexes, into the id."


class InnerTaskIds(Rule):
    """The id of an item's task is made of its step and its own index only.

    In a foreach within a foreach, item 0 of the first outer item and item 0 of the second one are
    then the same task: one overwrites the other, and the join misses half of the results. An id
    holds the parent's id or all indexes.
    """

    code = "MOK316"
    name = "inner-task-ids-collide"
    clauses = ("F12", "F2")
    severity = Severity.ERROR

    VALID = (
        Example("with the parent's", compiler("""\
        def command(node, run, parent, split_index):
            task_id = f"{parent}-{node.name}-{split_index}"
            cmd = ["python", "flow.py", "step", node.name, "--run-id", run]
            return cmd + ["--task-id", task_id, "--split-index", str(split_index)]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("none at all", compiler('''\
        def op(step):
            return f"""
        def op_{step}(context, path, index):
            task_id = "body"
            return run_step(context, "{step}", path, task_id, split_index=index)  # <-- here
        """
        ''')),
        Example("only its own", compiler("""\
        def command(node, run, split_index):
            task_id = f"{node.name}-{split_index}"  # <-- here
            cmd = ["python", "flow.py", "step", node.name, "--run-id", run]
            return cmd + ["--task-id", task_id, "--split-index", str(split_index)]
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no task id is seen to be made from an index")
        for program, call in one_id_for_all(analysis):
            text = "every item of the foreach gets this task id"
            verdict.fail(program.place(call), text, _FIX)
        nested_refused = mentions(analysis, r"(?i)nested.?foreach")
        for program, value in _ids(analysis):
            holes = _holes(value)
            if not any(_INDEX.match(name) for name in holes):
                continue
            place = program.place(value)
            alone = all(_INDEX.match(n) or _STEP.match(n) or _RUN.search(n) for n in holes)
            if alone and sum(bool(_INDEX.match(n)) for n in holes) == 1 and not nested_refused:
                verdict.fail(
                    place,
                    "the id of a task holds the index of the inner foreach only",
                    _FIX,
                    confidence=Confidence.MEDIUM,
                )
            else:
                verdict.ok(place, "the id holds more than the task's own index")


def _ids(analysis: Analysis) -> Iterator[tuple[Program, ast.expr]]:
    """What becomes the id of a task."""
    for program, value in flag_values(analysis, "--task-id"):
        for made in made_of(program, value):
            yield program, unwrapped(made) if made is value else made
    for program in programs(analysis):
        for assign in program.nodes(ast.Assign):
            if any(_ID.match(terminal(t)) for t in assign.targets):
                yield program, assign.value
        for keyword in program.nodes(ast.keyword):
            if keyword.arg and _ID.match(keyword.arg):
                yield program, keyword.value


def _holes(value: ast.expr) -> list[str]:
    """The last names of what is formatted into a string; "-" for what has none."""
    made = as_written(value)
    # The name of a step, as an attribute, is the owner's: `node.name`.
    return [
        terminal(p.value)
        if isinstance(p, ast.Attribute) and p.attr == "name"
        else terminal(unwrapped(p)) or "-"
        for p in (made.holes if made is not None else ())
    ]
