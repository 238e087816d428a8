from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.walking import walk

_DECISIONS = {"_transition", "_foreach_num_splits", "_control_mapper_tasks"}
_PUBLISHES = regex(r"^(?:publish|_?publish_\w*event\w*|send_event|emit_event)$")
_POSITION = 4  # self, step_name, flow, graph, is_task_ok
_HEAD = """\
from metaflow.decorators import StepDecorator

class AcmeInternal(StepDecorator):
    name = "acme_internal"
    def task_finished(self, step, flow, graph, ok, retry_count, max_retries):  # <-- here
"""


class FailedTaskHandsOut(Rule):
    """A task that failed hands out what only one that succeeded has.

    `task_finished` is called for failed attempts too. They have no `_transition` and no width:
    reading them raises an AttributeError that hides the user's, or the scheduler goes on with the
    values of another attempt. An event that is published here starts other flows after a failure.

    Return at once when `is_task_ok` is False.
    """

    code = "MOK321"
    name = "failed-task-hands-out"
    clauses = ("F19", "K6")
    severity = Severity.WARNING

    VALID = (
        Example("only when all went well", compiler(_HEAD.replace("  # <-- here", "") + """\
        if ok:
            self.hand_out(flow._transition[0][0])
""")),
    )  # fmt: skip
    INVALID = (
        Example("in any case", compiler(_HEAD + """\
        self.hand_out(flow._transition[0][0])
""")),
        Example("an event", compiler("import events\n" + _HEAD + """\
        events.publish(flow.name, step)
""")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for hook in program.nodes(ast.FunctionDef):
                if hook.name != "task_finished" or not _hands_out(program, hook):
                    continue
                where = program.place(hook)
                where = where._replace(end_line=where.line)
                ok = _flag(hook)
                if ok is None or any(isinstance(n, ast.Name) and n.id == ok for n in walk(hook)):
                    verdict.ok(where, "the hook asks whether the task succeeded")
                    continue
                text = "`task_finished` hands out a decision without asking whether the task failed"
                verdict.fail(where, text, f"Begin with `if not {ok}: return`.")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no `task_finished` hands anything out")


def _flag(hook: ast.FunctionDef) -> str | None:
    """The name of the argument that says whether the task succeeded."""
    arguments = [*hook.args.posonlyargs, *hook.args.args]
    if any(a.arg == "is_task_ok" for a in arguments):
        return "is_task_ok"
    return arguments[_POSITION].arg if len(arguments) > _POSITION else None


def _hands_out(program: Program, hook: ast.FunctionDef) -> bool:
    """Whether the hook reads a decision, itself or in a method of the same class, or publishes."""
    owner = next((o for o in program.parents(hook) if isinstance(o, ast.ClassDef)), None)
    asked = {
        n.func.attr
        for n in walk(hook)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
    }
    helpers = [
        n
        for n in (owner.body if owner else ())
        if isinstance(n, ast.FunctionDef) and n.name in asked
    ]
    return any(_decides(n) for body in (hook, *helpers) for n in walk(body))


def _decides(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value in _DECISIONS
    return isinstance(node, ast.Attribute) and (
        node.attr in _DECISIONS or bool(_PUBLISHES.search(node.attr))
    )
