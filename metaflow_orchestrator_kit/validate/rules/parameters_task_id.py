from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.identifiers import given
from metaflow_orchestrator_kit.validate.rules.task_id import FLAG, judge_task_id

_FIX = "Derive it from the entry step's task id, as in `<start task id>-params`."


class UnstableParametersTaskId(Rule):
    """The id of the task `_parameters` is a number, or another one on each attempt.

    `init` registers the run's parameters under this id. A number is never registered, and then
    `Run.successful` stays False for flows with steps of other names than start and end. A random
    id leaves several `_parameters` behind when the entry step is retried, and a resume
    picks one of them. Derive it from the entry step's own task id.
    """

    code = "MOK253"
    name = "unstable-parameters-task-id"
    clauses = ("E3",)
    severity = Severity.ERROR

    VALID = (
        Example("from the entry task", compiler("""\
        def command(start_task):
            init = ["python", "flow.py", "init", "--run-id", "r"]
            return init + ["--task-id", "%s-params" % start_task]
        """)),
        Example("the same word in every run", compiler("""\
        def command():
            return "python flow.py init --run-id r --task-id parameters"
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a number", compiler("""\
        PARAMETERS = 0
        def command():
            init = ["python", "flow.py", "init", "--run-id", "r"]
            return init + ["--task-id", str(PARAMETERS)]  # <-- here
        """)),
        Example("random", compiler("""\
        import uuid
        def command():
            params = "params-" + uuid.uuid4().hex
            init = ["python", "flow.py", "init", "--run-id", "r"]
            return init + ["--task-id", params]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        places = by_place(analysis, "init")
        if not any(given(commands, FLAG) for commands in places.values()):
            verdict.not_applicable("no task id is passed to `init`")
        for commands in places.values():
            judge_task_id(commands, verdict, "`_parameters`", _FIX)
