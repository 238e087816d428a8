from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import (
    Program,
    argument,
    called,
    docstrings,
    programs,
)
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

_INDEX = re.compile(r"(^|/|\d|\*)\.?data\.json$|(^|[./])DONE\.lock$|attempt\.json$")
_LOADS = {"load", "loads"}
_FIX = (
    "Read through `FlowDataStore(...).get_task_datastore(run, step, task)` without `attempt`: the "
    "latest attempt that is done, on every kind of store."
)


class StoreReadByHand(Rule):
    """Artifacts are read by path, or at a fixed attempt.

    `attempt=0` is the wrong attempt as soon as a task was retried: its artifacts are missing, or
    are those of the attempt that failed. Paths below `.metaflow`, `data.json` and pickled blobs
    are the private layout of the local store; nothing of it holds on S3, Azure or GS.
    """

    code = "MOK501"
    name = "store-read-by-hand"
    clauses = ("I1", "F10")
    severity = Severity.ERROR

    VALID = (
        Example("the latest attempt", compiler("""\
        from metaflow.datastore import FlowDataStore

        def read(flow, impl, root, run, step, task, name):
            store = FlowDataStore(flow, None, storage_impl=impl, ds_root=root)
            return store.get_task_datastore(run, step, task)[name]
        """)),
        Example("an attempt that is known", compiler("""\
        def read(store, run, step, task, attempt, name):
            return store.get_task_datastore(run, step, task, attempt=attempt)[name]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the first attempt", compiler("""\
        def read(store, run, step, task, name):
            return store.get_task_datastore(run, step, task, attempt=0, mode="r")[name]  # <-- here
        """)),
        Example("in generated lines", compiler('''\
        def reader(step):
            return (
                "    try:\\n"
                "        ds = store.get_task_datastore(run, %r, task, attempt=0)\\n"  # <-- here
                "        width = ds['_foreach_num_splits']\\n"
            ) % step
        ''')),
        Example("the index of the local store", compiler("""\
        import json, os

        def names(root, flow, run, step, task):
            path = os.path.join(root, flow, run, step, task, "0.data.json")  # <-- here
            with open(path) as index:
                return list(json.load(index)["objects"])
        """)),
        Example("blobs", compiler("""\
        import gzip, pickle

        def value(path):
            with gzip.open(path) as blob:
                return pickle.load(blob)  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for call in _store_calls(program):
                attempt = argument(call, "attempt", 3)
                if isinstance(attempt, ast.Constant) and isinstance(attempt.value, int):
                    text = f"the store is read at attempt {attempt.value}, whatever the task's was"
                    verdict.fail(program.place(attempt), text, _FIX)
                else:
                    verdict.ok(program.place(call), "the store is asked for the latest attempt")
            for path in _paths(program):
                text = f"`{path.value}` is a file inside Metaflow's local store"
                verdict.fail(program.place(path), text, _FIX, confidence=Confidence.MEDIUM)
            for call in _blobs(program):
                verdict.fail(program.place(call), "an artifact's blob is unpickled by hand", _FIX)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("nothing reads artifacts outside the tasks")


def _store_calls(program: Program) -> Iterator[ast.Call]:
    for node in program.nodes(ast.Call):
        if called(node) == "get_task_datastore":
            yield node


def _paths(program: Program) -> Iterator[ast.Constant]:
    """Names of the store's own files, put into a path that is opened or looked for."""
    silent = docstrings(program.tree)
    for node in program.nodes(ast.Constant):
        if not isinstance(node.value, str) or id(node) in silent or not _INDEX.search(node.value):
            continue
        outer = next(program.parents(node), None)
        if isinstance(outer, ast.Call | ast.BinOp | ast.JoinedStr):
            yield node


def _blobs(program: Program) -> Iterator[ast.Call]:
    """``pickle.load`` in a function that also opens compressed files."""
    for node in program.nodes(ast.Call):
        if called(node) not in _LOADS or "pickle" not in ast.unparse(node.func):
            continue
        scope = program.function(node) or program.tree
        text = {ast.unparse(n.func) for n in ast.walk(scope) if isinstance(n, ast.Call)}
        if any(t.startswith("gzip.") for t in text):
            yield node
