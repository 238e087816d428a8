from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.programs import HOLE, Program, has_splat, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.step_calls import Function, functions_of

_FIX = "Give the function that parameter, or leave the argument out."


class CallDoesNotFit(Rule):
    """A program that is written out calls one of its functions with an argument it does not take.

    The function stands in one string and its calls in others, so that no tool of the author sees
    them together. When the function's parameters change and one of the calls is forgotten, the
    program is deployed, and raises TypeError in the runs that come to that call.
    """

    code = "MOK977"
    name = "call-does-not-fit-function"
    clauses = ("D12",)

    VALID = (
        Example("the function takes it", compiler('''\
        HEAD = """
        def run_task(name, run_id, index=None):
            print(name, run_id, index)
        """
        def body(node):
            return f"""
        def op_{node.name}(run, i):
            run_task("{node.name}", run, index=i)
        """
        ''')),
        Example("the function takes anything", compiler('''\
        HEAD = """
        def run_task(name, **options):
            print(name, options)
        """
        def body(node):
            return f"""
        def op_{node.name}(run, i):
            run_task("{node.name}", index=i)
        """
        ''')),
    )  # fmt: skip
    INVALID = (
        Example("a parameter that is gone", compiler('''\
        HEAD = """
        def run_task(name, run_id, index=None):
            print(name, run_id, index)
        """
        def body(node):
            return f"""
        def op_{node.name}(run, i):
            run_task("{node.name}", run, extra=["--split-index", i])  # <-- here
        """
        ''')),
        Example("lines that are emitted one by one", compiler('''\
        HEAD = """
        def run_task(name, run_id, index=None):
            print(name, run_id, index)
        """
        def body(out, indent, node):
            out.append(f"{indent}run_task(")  # <-- here
            out.append(f"{indent}    '{node.name}', run_id,")
            out.append(f"{indent}    extra=['--split-index', i],")
            out.append(f"{indent})")
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no program is written out that calls a function of its own")
        every = [p for p in programs(analysis) if p.generated]
        for name, function in _functions(every).items():
            taken = _taken(function)
            for program in every:
                for call in program.calls(name):
                    if not isinstance(call.func, ast.Name) or has_splat(call):
                        continue
                    place = program.place(call)
                    unknown = [k for k in _keywords(call) if taken is not None and k not in taken]
                    for keyword in unknown:
                        verdict.fail(place, f"{name}() takes no `{keyword}`", _FIX)
                    if not unknown:
                        verdict.ok(place, f"{name}() takes what it is given here")


def _functions(every: list[Program]) -> dict[str, Function]:
    """The functions of written programs, where a name stands for one of them only."""
    found: dict[str, list[Function]] = {}
    bound: set[str] = set()
    for program in every:
        for function in functions_of(program):
            found.setdefault(function.name, []).append(function)
            if not program.whole or isinstance(next(program.parents(function), None), ast.ClassDef):
                bound.add(function.name)
        for node in program.nodes(ast.Name):
            if isinstance(node.ctx, ast.Store):
                bound.add(node.id)
        bound.update(a.asname or a.name for a in program.nodes(ast.alias))
    return {
        name: those[0]
        for name, those in found.items()
        if name not in bound
        and HOLE not in name
        and all(_taken(f) == _taken(those[0]) for f in those)
    }


def _taken(function: Function) -> frozenset[str] | None:
    """The names of its parameters; None when it takes any."""
    if function.args.kwarg is not None:
        return None
    arguments = function.args
    return frozenset(a.arg for a in (*arguments.args, *arguments.kwonlyargs))


def _keywords(call: ast.Call) -> Iterator[str]:
    """The keywords that are written out whole, without what is formatted in before them."""
    for keyword in call.keywords:
        if keyword.arg and HOLE not in keyword.arg:
            yield keyword.arg
