from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import called, has_splat, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

#: How many arguments, `self` apart, Metaflow's step decorators have for their hooks.
HOOKS = {
    "step_init": 7,
    "package_init": 3,
    "step_task_retry_count": 0,
    "runtime_init": 4,
    "runtime_task_created": 6,
    "runtime_finished": 1,
    "runtime_step_cli": 4,
    "task_pre_step": 11,
    "task_decorate": 6,
    "task_post_step": 5,
    "task_exception": 6,
    "task_finished": 6,
}


class HookArguments(Rule):
    """A hook of Metaflow's step decorators is called, or defined, with another number of arguments.

    Metaflow calls every hook with a fixed list of positional arguments, and so must whoever calls
    one in its place. One too few is a TypeError, for each step that has a decorator; inside a
    broad `except` the decorator is silently without effect.

    Call and define the hook as `metaflow.decorators.StepDecorator` has it.
    """

    code = "MOK996"
    name = "hook-arguments-wrong"
    clauses = ("F19",)
    severity = Severity.ERROR

    VALID = (
        Example("all of them", compiler("""\
        def command(deco, cli_args, attempt, retries):
            deco.runtime_step_cli(cli_args, attempt, retries, None)
        class Acme(StepDecorator):
            def task_finished(self, step_name, flow, graph, is_task_ok, attempt, retries):
                pass
            def task_exception(self, *args):
                pass
        """)),
    )  # fmt: skip
    INVALID = (
        Example("one too few", compiler("""\
        def command(deco, cli_args, attempt, retries):
            deco.runtime_step_cli(cli_args, attempt, retries)  # <-- here
        """)),
        Example("defined so, in generated code", compiler('''\
        SOURCE = """
        class Acme(StepDecorator):
            def task_finished(self, step_name, flow, graph, is_task_ok, attempt):  # <-- here
                pass
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no hook of a step decorator is called or defined")
        for program in programs(analysis):
            for call in program.calls(*HOOKS):
                starred = any(isinstance(a, ast.Starred) for a in call.args)
                if starred or has_splat(call) or not isinstance(call.func, ast.Attribute):
                    continue
                wanted = HOOKS[called(call)]
                count = len(call.args) + len(call.keywords)
                if isinstance(call.func.value, ast.Name) and call.func.value.id[:1].isupper():
                    continue  # Of a class, with the object as an argument.
                _tell(verdict, program.place(call), f"`{called(call)}` gets", count, wanted)
            for cls in program.nodes(ast.ClassDef):
                if not any(_is_decorator(base) for base in cls.bases):
                    continue
                for node in cls.body:
                    if isinstance(node, ast.FunctionDef) and node.name in HOOKS:
                        wanted = HOOKS[node.name]
                        least, most = _taken(node)
                        place = program.place(node)._replace(end_line=program.place(node).line)
                        count = wanted if least <= wanted <= most else least
                        _tell(verdict, place, f"`{node.name}` takes", count, wanted)


def _is_decorator(base: ast.expr) -> bool:
    name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
    return name == "StepDecorator"


def _taken(node: ast.FunctionDef) -> tuple[int, float]:
    """The fewest and the most positional arguments, ``self`` apart."""
    args = node.args
    names = len(args.posonlyargs) + len(args.args) - 1
    return names - len(args.defaults), float("inf") if args.vararg else names


def _tell(verdict: Judge, place: object, what: str, count: int, wanted: int) -> None:
    if count == wanted:
        verdict.ok(place, f"{what} the arguments that it has")  # type: ignore[arg-type]
    else:
        text = f"{what} {count} arguments, and Metaflow's has {wanted}"
        verdict.fail(place, text, "Use those of metaflow.decorators.StepDecorator.")  # type: ignore[arg-type]
