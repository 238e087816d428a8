from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.naming import names_matter
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.records import record, regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.prefixed import Way, way_of, written

_ID = regex(
    r"(?:run_?id|queue|pathspec|(?:task|workflow|job|dag|deployment|pipeline|flow)_?(?:id|uuid)"
    r"|(?:workflow|job|dag|deployment|pipeline|queue)_name)$"
)
_FIX = "Make the id in one function, and have everything that needs it call that."


@record()
class _Made:
    """One place where an id is put together: its text, what goes in, and how."""

    program: Program
    node: ast.expr
    way: Way
    counts: bool


class IdInTwoWays(Rule):
    """One id is put together in two places, and not in the same way.

    `trigger` tells Metaflow a run id, and the tasks use one that they make themselves. When one
    of them hashes, cuts or cleans the execution's id and the other does not, `triggered.run` stays
    None: the run exists, under another id. A queue or a deployment that two commands name
    differently is never found.

    Make the id in one function that both sides call, or write what one side made where the other
    reads it.
    """

    code = "MOK985"
    name = "id-made-in-two-ways"
    clauses = ("E10", "J1")
    severity = Severity.ERROR

    VALID = (
        Example("the same on both sides", compiler('''\
        import hashlib
        SCRIPT = """
        execution_id = "{{ execution.id }}"
        run_id = "acme-" + hashlib.md5(execution_id.encode()).hexdigest()[:16]
        cmd = ["python", "flow.py", "init", "--run-id", run_id, "--task-id", "acme-params"]
        """
        def trigger(client):
            execution_id = client.start()
            run_id = "acme-" + hashlib.md5(execution_id.encode()).hexdigest()[:16]
            return run_id
        ''')),
        Example("ids of different things", compiler("""\
        def names(flow, step):
            queue = "acme-%s" % flow.name.lower()
            return queue
        def task(task_id):
            task_id = "acme-%s" % task_id
            return ["python", "flow.py", "step", "s", "--run-id", "r", "--task-id", task_id]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("hashed by the tasks only", compiler('''\
        import hashlib
        SCRIPT = """
        execution_id = "{{ execution.id }}"
        run_id = "acme-" + hashlib.md5(execution_id.encode()).hexdigest()[:16]
        cmd = ["python", "flow.py", "init", "--run-id", run_id, "--task-id", "acme-params"]
        """
        def trigger(client):
            execution_id = client.start()
            run_id = "acme-" + execution_id  # <-- here
            return run_id
        ''')),
        Example("cut by the worker only", compiler("""\
        def run(info):
            run_id = "acme-%s" % info().workflow_id[:20]
            return ["python", "flow.py", "init", "--run-id", run_id, "--task-id", "acme-params"]
        def trigger(workflow_id):
            return "acme-%s" % workflow_id, workflow_id  # <-- here
        """)),
        Example("a queue, of which dots are cleaned here and not there", compiler("""\
        def compile(self):
            self.task_queue = f"mf-{self.flow_name.lower().replace('.', '-')}"
            return ["python", "flow.py", "step", "s", "--run-id", "r", "--task-id", "t"]
        def trigger(flow_name, task_queue=None):
            task_queue = task_queue or f"mf-{flow_name.lower()}"  # <-- here
            return task_queue
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no id is put together in more than one place")
        if not names_matter(analysis):
            return
        made: dict[str, list[_Made]] = {}
        told: set[ast.expr] = set()
        for one in _all(analysis):
            made.setdefault(one.way.text, []).append(one)
        for text, places in made.items():
            if any(one.counts for one in places):
                verdict.ok(places[0].program.place(places[0].node), "an id is made here")
            for a, b in itertools.combinations(places, 2):
                if not (a.counts or b.counts) or not _same_thing(a, b):
                    continue
                if a.way.steps == b.way.steps:
                    continue
                short, long = sorted((a, b), key=lambda m: len(m.way.steps))
                if short.node in told:
                    continue
                told.add(short.node)
                verdict.fail(
                    short.program.place(short.node),
                    f"the id `{text}` is made of {_say(short.way)} here, and elsewhere of "
                    f"{_say(long.way)}",
                    _FIX,
                    confidence=Confidence.MEDIUM,
                )


def _all(analysis: Analysis) -> Iterator[_Made]:
    for program in programs(analysis):
        for node in program.nodes(ast.BinOp, ast.JoinedStr, ast.Call):
            found = written(node)
            if found is None:
                continue
            way = way_of(program, *found)
            if way is not None:
                yield _Made(program, node, way, bool(_ID.search(_target(program, node))))


def _target(program: Program, node: ast.expr) -> str:
    """What the expression is assigned to, passed as, or returned by."""
    for outer in program.parents(node):
        match outer:
            case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)]):
                return name
            case ast.keyword(arg=str(name)):
                return name
            case ast.Return():
                function = program.function(node)
                return function.name if function else ""
            case ast.BoolOp() | ast.IfExp() | ast.Tuple():
                continue
            case _:
                return ""
    return ""


def _same_thing(a: _Made, b: _Made) -> bool:
    """Whether two functions put the same thing in, as far as its name says."""
    here, there = a.program.function(a.node), b.program.function(b.node)
    if a.program is b.program and here is there:
        return False
    one, other = a.way.subject, b.way.subject
    return one == other or one.endswith(f"_{other}") or other.endswith(f"_{one}")


def _say(way: Way) -> str:
    return f"`{way.subject}`" + (f" by {', '.join(way.steps)}" if way.steps else " as it is")
