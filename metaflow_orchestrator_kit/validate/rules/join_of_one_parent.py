from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.assigned import made_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import source, walk

_PARENTS = "in_funcs"
_PATH = regex(r"/|\{\{|\$\{?\w")
_FIX = "Name the tasks of all parents, in their order, separated by commas."


class JoinOfOneParent(Rule):
    """Where a step has several parents, the path of the first one's task is all that it reads.

    A join gets what `--input-paths` names, and nothing tells it that there was more: `inputs` has
    one element, attributes of the other branches are missing, and `merge_artifacts` loses results.
    """

    code = "MOK860"
    name = "join-reads-one-parent"
    clauses = ("F3",)
    severity = Severity.ERROR

    VALID = (
        Example("all of them", compiler("""\
        def inputs(node, run_id):
            if len(node.in_funcs) == 1:
                return "%s/%s/t" % (run_id, node.in_funcs[0])
            else:
                return ",".join("%s/%s/t" % (run_id, p) for p in node.in_funcs)
        """)),
        Example("the last step of a foreach's body", compiler("""\
        def inputs(graph, node):
            if node.type == "join":
                if graph[node.split_parents[-1]].type == "foreach":
                    return "$RUN_ID/%s/:$TASKS" % node.in_funcs[0]
                return ",".join("$RUN_ID/%s/t" % p for p in node.in_funcs)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the other way round", compiler("""\
        def inputs(node, run_id):
            parents = list(node.in_funcs)
            if len(parents) == 1:
                return f"{run_id}/{parents[0]}/t"
            else:
                return f"{run_id}/{parents[0]}/t"  # <-- here
        """)),
        Example("where it is a join", compiler("""\
        def inputs(self, node):
            if node.type == "join":
                paths = "{}/{}/t".format(self.run_id, node.in_funcs[0])  # <-- here
            else:
                paths = "{}/{}/t".format(self.run_id, node.in_funcs[0])
            return paths
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no step is asked for several parents")
        for program in programs(analysis):
            for branch in program.nodes(ast.If):
                for body in _of_several(program, branch):
                    first = next(_first_only(program, body), None)
                    if first is None:
                        verdict.ok(program.place(body[0]), "the parents of a join are looked at")
                        continue
                    text = "a step with several parents gets the path of the first one's task only"
                    verdict.fail(program.place(first), text, _FIX)


def _of_several(program: Program, branch: ast.If) -> Iterator[list[ast.stmt]]:
    """The statements that run for steps with several parents, and for no other."""
    match branch.test:
        case ast.Compare(left=ast.Attribute(attr="type"), ops=[ast.Eq()], comparators=[kind]):
            if literal(kind) == "join":
                yield branch.body
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="len"), args=[listed]), ops=[how], comparators=[number]
        ) if _is_parents(program, listed):
            match how, literal(number):
                case (ast.Gt(), 1) | (ast.GtE(), 2):
                    yield branch.body
                case (ast.Eq(), 1) | (ast.LtE(), 1) | (ast.Lt(), 2) if branch.orelse:
                    yield branch.orelse


def _first_only(program: Program, body: list[ast.stmt]) -> Iterator[ast.AST]:
    """A path that holds the first parent, in statements that ask for no other one."""
    inside = [n for statement in body for n in walk(statement)]
    firsts = [n for n in inside if _is_first(program, n)]
    held = {source(n.value) for n in firsts if isinstance(n, ast.Subscript)}
    used = sum(
        isinstance(n, ast.Name | ast.Attribute) and source(n) in held for n in inside
    )  # fmt: skip
    others = any(
        isinstance(n, ast.Compare | ast.If | ast.IfExp | ast.For | ast.comprehension)
        for n in inside
    )
    if used != len(firsts) or others:
        return
    for first in firsts:
        around = next(program.parents(first), first)
        for outer in (around, next(program.parents(around), around)):
            if isinstance(outer, ast.BinOp | ast.JoinedStr | ast.Call) and any(
                isinstance(n, ast.Constant) and isinstance(n.value, str) and _PATH.search(n.value)
                for n in walk(outer)
            ):
                yield first
                break


def _is_first(program: Program, node: ast.AST) -> bool:
    match node:
        case ast.Subscript(value=listed, slice=ast.Constant(value=0)):
            return _is_parents(program, listed)
        case _:
            return False


def _is_parents(program: Program, node: ast.expr) -> bool:
    """Whether this is the list of a step's parents."""
    if terminal(node) == _PARENTS:
        return True
    if not isinstance(node, ast.Name):
        return False
    _, *given = made_of(program, node)
    return len(given) == 1 and any(terminal(n) == _PARENTS for n in walk(given[0]))
