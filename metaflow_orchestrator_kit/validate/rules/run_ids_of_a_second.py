from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.naming import names_matter
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import walk

_RUN_ID = regex(r"(?:^|_)(?:run|execution|workflow_run)_?id$|^(?:new|make|generate)_run_id$")
_APART = regex(
    r"uuid|random|token|secrets|nonce|counter|getpid|hash|sha\d|md5|_ns$|suffix|exists|%f"
)
_STEP = """\

def init(flow, run_id):
    return ["python", flow, "--quiet", "init", "--run-id", run_id, "--task-id", "p-" + run_id]
"""


class RunIdsOfASecond(Rule):
    """Two runs that start within one second get the same id.

    A run's id that is made of the clock alone, in whole seconds, is that of every other run of
    this second: of a schedule and an event, or of a loop that triggers. Their tasks land in one
    run, and both fail or, worse, succeed.

    Add something that no other run has, such as `uuid4().hex[:8]`, or the execution's own id.
    """

    code = "MOK264"
    name = "run-ids-of-one-second"
    clauses = ("E1",)
    severity = Severity.ERROR

    VALID = (
        Example("and something of its own", compiler("""\
        import time, uuid
        def new_run_id():
            return "acme-%d-%s" % (time.time(), uuid.uuid4().hex[:8])
        """ + _STEP.replace("\n", "\n        "))),
    )  # fmt: skip
    INVALID = (
        Example("seconds since 1970", compiler("""\
        import time
        def start(client):
            run_id = "acme-%d" % int(time.time())  # <-- here
            client.start(run_id)
        """ + _STEP.replace("\n", "\n        "))),
        Example("a date", compiler("""\
        from datetime import datetime
        def new_run_id():
            return "acme-" + datetime.now().strftime("%Y%m%d%H%M%S")  # <-- here
        """ + _STEP.replace("\n", "\n        "))),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if not names_matter(analysis):
            verdict.not_applicable("nothing is started from here")
            return
        for program in programs(analysis):
            for call in program.nodes(ast.Call):
                statement = _made_of(program, call)
                if statement is None:
                    continue
                if _is_apart(statement):
                    verdict.ok(program.place(statement), "the id holds more than the time")
                    continue
                text = "two runs that start within one second get the same id"
                fix = "Add something of its own to it, such as `uuid4().hex[:8]`."
                verdict.fail(program.place(statement), text, fix)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no run's id is made of the time")


def _made_of(program: Program, call: ast.Call) -> ast.stmt | None:
    """The statement in which a time in whole seconds becomes a run's id."""
    name = called(call)
    if name == "strftime":
        texts = [str(literal(a)) for a in call.args]
        if not any("%S" in t or "%s" in t for t in texts) or any("%f" in t for t in texts):
            return None
    elif name != "time" or not _in_whole_seconds(program, call):
        return None
    for outer in program.parents(call):
        match outer:
            case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
                return outer if _RUN_ID.search(terminal(target)) else None
            case ast.Return():
                function = program.function(outer)
                return outer if function and _RUN_ID.search(function.name) else None
            case ast.stmt():
                return None
            case _:
                pass
    return None


def _in_whole_seconds(program: Program, call: ast.Call) -> bool:
    for outer in program.parents(call):
        if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Mult):
            return False
        if isinstance(outer, ast.Call):
            return called(outer) in ("int", "round") and len(outer.args) == 1
        if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Mod):
            return True
        if isinstance(outer, ast.stmt):
            return False
    return False


def _is_apart(statement: ast.stmt) -> bool:
    return any(
        bool(_APART.search(terminal(n))) or bool(_APART.search(str(literal(n))))
        for n in walk(statement)
        if isinstance(n, ast.Attribute | ast.Name | ast.Constant)
    )
