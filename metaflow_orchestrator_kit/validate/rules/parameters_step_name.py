from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import HOLE, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.put_together import assembled
from metaflow_orchestrator_kit.validate.rules.syntax import index, terminal

STEP = "_parameters"
_OF_PARAMETERS = regex(r"(?i)param")
_RUN = regex(r"(?i)run|execution|workflow")
#: A path in a line of a shell script: the run and the task are variables, the step is written.
_IN_SHELL = regex(
    r"(?<![\w/}])(\$\{?\w*(?i:run|execution)\w*\}?)/(\w+)/(\$\{?\w*(?i:param|task)\w*\}?)(?![\w/])"
)
_FIX = f"`init` writes to the step `{STEP}`: <run id>/{STEP}/<task id>."


class ParametersStepName(Rule):
    """The first step reads the parameters from a step that does not exist.

    `init` stores the parameters with a task of the step `_parameters`, underscore and all. Under
    any other name there is no such task: the start step fails with "does not exist" or finds no
    artifacts, in every run.
    """

    code = "MOK861"
    name = "parameters-of-no-step"
    clauses = ("F3", "E3")
    severity = Severity.ERROR

    VALID = (
        Example("the step that init writes", compiler("""\
        def paths(run_id, param_task_id):
            return f"{run_id}/_parameters/{param_task_id}"
        """)),
        Example("an address besides", compiler("""\
        def address(base, run_id, name):
            return f"{base}/runs/{run_id}/parameters/{name}"
        def paths(run_id, param_task_id):
            return "/".join([run_id, "_parameters", param_task_id])
        """)),
    )  # fmt: skip
    INVALID = (
        Example("without its underscore", compiler('''\
        SOURCE = """
        def start(run_id, param_task_id):
            paths = f"{run_id}/parameters/{param_task_id}"  # <-- here
            return launch(paths)
        """
        ''')),
        Example("shortened, in a shell script", compiler('''\
        SOURCE = """
        python flow.py step start --input-paths $RUN_ID/params/$PARAMS_TASK  # <-- here
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no path of the task that holds the parameters is written out")
        for place, step in _paths(analysis):
            if step == STEP:
                verdict.ok(place, f"the parameters are those of `{STEP}`")
            else:
                verdict.fail(place, f"the parameters are looked for in a step `{step}`", _FIX)


def _paths(analysis: Analysis) -> Iterator[tuple[Origin, str]]:
    """Where a path `<run>/<step>/<task of the parameters>` is put together, and its step."""
    for program in programs(analysis):
        for node in program.nodes(ast.JoinedStr, ast.BinOp, ast.Call):
            made = assembled(program, node)
            if made is None or len(made.holes) != 2:
                continue
            run, _, rest = made.text.partition("/")
            step, _, task = rest.partition("/")
            if not run.endswith(HOLE) or task != HOLE or not step.isidentifier():
                continue
            owner, last = map(terminal, made.holes)
            if _RUN.search(owner) and _OF_PARAMETERS.search(last) and step != HOLE:
                yield program.place(node), step
    for module, constant in index(analysis).strings:
        for found in _IN_SHELL.finditer(str(constant.value)):
            if _OF_PARAMETERS.search(found[2]) or _OF_PARAMETERS.search(found[3]):
                place = analysis.place(module, constant)
                line = place.line + str(constant.value)[: found.start()].count("\n")
                yield Origin(place.path, line, 1, line), found[2]
