from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.decision_artifacts import readers
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import function_of, index, terminal
from metaflow_orchestrator_kit.validate.walking import walk

_MARKER = regex(
    r"(?:\.|\b)DONE\.lock\b|\btask_(?:begin|end)\b(?!\s*\()|\d\.(?:data|artifact)\.json"
)
_UNPICKLE = frozenset(["load", "loads", "Unpickler"])


class DatastoreFilesRead(Rule):
    """Files of the datastore are read by their paths, or artifacts are unpickled by hand.

    The layout belongs to Metaflow: it differs between datastores and releases. The marker files
    are written for failed attempts too, so a run whose last step left one may have failed. Read
    artifacts through the client or `FlowDataStore.get_task_datastore(run, step, task)`, and
    judge success by the exit code of the process.
    """

    code = "MOK312"
    name = "datastore-files-read"
    clauses = ("F10", "F20", "I1")
    severity = Severity.ERROR

    VALID = (
        Example("through the datastore", compiler("""\
        def width(datastore, run, step, task):
            return datastore.get_task_datastore(run, step, task)["_foreach_num_splits"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the marker of a finished attempt", compiler("""\
        import os
        def succeeded(run_dir):
            return os.path.exists(os.path.join(run_dir, "last", "1", "0.DONE.lock"))  # <-- here
        """)),
        Example("a pickle", compiler("""\
        import gzip, pickle
        def width(path):
            artifacts = open_index(path)
            with gzip.open(artifacts["_foreach_num_splits"]) as file:
                return pickle.load(file)  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = False
        told: set[int] = set()
        for module, node in index(analysis).strings:
            name = _marker(node.value)
            if name is not None:
                found = True
                # Who reads one file of a task by hand, reads several: that is one fault.
                function = function_of(analysis, node)
                if function is not None and id(function) in told:
                    continue
                told.add(id(function))
                verdict.fail(
                    analysis.place(module, node),
                    f"a file of the datastore is looked for by its name (`{name}`)",
                    "Judge success by the process's exit code, or ask the Metaflow client.",
                )
        for module, function, _ in readers(analysis):
            call = _unpickled(function)
            if call is not None and id(function) not in told:
                found = True
                self._report(analysis, module, call, verdict)
        if not found:
            verdict.ok(None, "no file of the datastore is read by its path")

    def _report(self, analysis: Analysis, module: Module, call: ast.Call, verdict: Judge) -> None:
        verdict.fail(
            analysis.place(module, call),
            "an artifact is unpickled by hand",
            "Read it with FlowDataStore.get_task_datastore(run, step, task)[name].",
        )


def _marker(value: object) -> str | None:
    """The name of a file of the datastore that *value* is; prose and programs are none."""
    if not isinstance(value, str) or len(value.split()) != 1 or not _MARKER.search(value):
        return None
    return value.strip()


def _unpickled(function: ast.AST) -> ast.Call | None:
    for node in walk(function):
        if isinstance(node, ast.Call) and terminal(node.func) in _UNPICKLE:
            owner = getattr(node.func, "value", None)
            if terminal(owner) in ("pickle", "cloudpickle", "dill", "cPickle"):
                return node
    return None
