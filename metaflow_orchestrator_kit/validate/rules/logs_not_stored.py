from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import nothing_launched
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.features import compiler_place, mentions

_SIGNS = r"mflog|MFLOG_|bash_capture_logs|BASH_SAVE_LOGS|BASH_MFLOG|save_logs|TASK_LOG_SOURCE"
#: Metaflow's own jobs on a cluster wrap the command themselves.
_JOBS = r"^(Kubernetes|Batch)$"
_FIX = (
    "Wrap the command with metaflow.mflog: export_mflog_env_vars(), bash_capture_logs(cmd), then "
    "BASH_SAVE_LOGS, and exit with the code of the command."
)


class LogsNotStored(Rule):
    """What a task prints is not stored with the task.

    The `step` command prints and stores nothing of it: `Task.stdout` and `flow.py logs` are empty,
    and the reason of a failure is only where the scheduler keeps its own logs, for as long as it
    does. Metaflow's schedulers wrap the command with mflog.
    """

    code = "MOK523"
    name = "logs-not-stored"
    clauses = ("L5",)
    severity = Severity.WARNING

    VALID = (
        Example("wrapped", compiler("""\
        from metaflow.mflog import BASH_SAVE_LOGS, bash_capture_logs, export_mflog_env_vars

        def step(node, flow, top):
            command = bash_capture_logs(f"python {flow} step {node} --run-id r --task-id t")
            return f"{export_mflog_env_vars()}; {command}; c=$?; {BASH_SAVE_LOGS}; exit $c"
        """)),
        Example("by its modules", compiler("""\
        def step(node, flow):
            save = ["python", "-m", "metaflow.mflog.save_logs"]
            return ["python", flow, "step", node, "--run-id", "r", "--task-id", "t"], save
        """)),
    )  # fmt: skip
    INVALID = (
        Example("nowhere", compiler("""\
        def step(node, flow):
            # mflog stores the logs
            return ["python", flow, "step", node, "--run-id", "r", "--task-id", "t"]  # <-- here
        """)),
        Example("in generated code", compiler('''\
        TEMPLATE = """
        import subprocess
        def run(node):
            subprocess.run(["python", "flow.py", "step", node, "--run-id", "r"])  # <-- here
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        place = compiler_place(analysis)
        signs = f"{_SIGNS}|{_JOBS}"
        if mentions(analysis, signs) or any("mflog" in t.skeleton() for t in analysis.texts):
            verdict.ok(place, "the output of tasks goes through mflog")
            return
        text = "`step` is started without mflog: `Task.stdout` and `Task.stderr` stay empty"
        verdict.fail(place, text, _FIX)
