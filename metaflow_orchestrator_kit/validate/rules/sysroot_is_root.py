from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.env import EnvWrite
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import (
    Text,
    Unknown,
    Value,
    names_in,
    options_of,
)
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.roots_of_stores import sysroot_as_root

VARIABLE = "METAFLOW_DATASTORE_SYSROOT_LOCAL"
_PARENT = frozenset(
    ["dirname", "parent", "parents", "split", "rsplit", "partition", "rpartition", "removesuffix",
     "replace", "sub", "get_datastore_root_from_config"]
)  # fmt: skip


class SysrootIsDatastoreRoot(Rule):
    """METAFLOW_DATASTORE_SYSROOT_LOCAL is set to the root that `--datastore-root` takes.

    The root of a local datastore ends in `.metaflow`; the variable names the directory above it.
    Given the root itself Metaflow looks in `.metaflow/.metaflow`: clients inside the tasks find no
    runs, cards and artifacts go astray. Set it to the parent of the root.
    """

    code = "MOK407"
    name = "sysroot-is-datastore-root"
    clauses = ("G7",)
    severity = Severity.ERROR

    VALID = (
        Example("the parent", compiler("""\
        import os
        def environment(obj):
            root = obj.flow_datastore.datastore_root
            return {"METAFLOW_DATASTORE_SYSROOT_LOCAL": os.path.dirname(root)}
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the root", compiler("""\
        def environment(obj):
            root = obj.flow_datastore.datastore_root
            return {"METAFLOW_DATASTORE_SYSROOT_LOCAL": root}  # <-- here
        """)),
        Example("the other way round", compiler("""\
        import os
        from metaflow.datastore import FlowDataStore
        def width(flow, impl, run, step, task):
            root = os.environ.get("METAFLOW_DATASTORE_SYSROOT_LOCAL", os.getcwd())
            store = FlowDataStore(flow, None, storage_impl=impl, ds_root=root)  # <-- here
            return store.get_task_datastore(run, step, task)["_foreach_num_splits"]
        """)),
        Example("the root, as text", compiler("""\
        from pathlib import Path
        def environment(obj):
            variables = {}
            if obj.flow_datastore.TYPE == "local":
                root = Path(obj.flow_datastore.datastore_root)
                variables["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = str(root)  # <-- here
            return variables
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable(f"{VARIABLE} is not set")
        for write in analysis.environment:
            if write.name != VARIABLE:
                continue
            if _is_root(write):
                verdict.fail(
                    write.origin,
                    f"{VARIABLE} is set to the root of the datastore, which ends in `.metaflow`",
                    "Set it to the directory above: os.path.dirname(root).",
                )
            else:
                verdict.ok(write.origin, f"{VARIABLE} is not the root itself")
        for place in sysroot_as_root(analysis):
            verdict.fail(
                place,
                f"the datastore's root is {VARIABLE} itself, without `.metaflow`",
                "Ask the storage: `get_datastore_root_from_config(print)`.",
            )


def _is_root(write: EnvWrite) -> bool:
    """Whether one of the values is the datastore's root and nothing took its parent."""
    for _, option in options_of(write.value):
        value: str | Value = option
        if isinstance(value, Text) and len(value.parts) == 1:
            # str(root), or a string with nothing but the root in it.
            value = value.parts[0].content
        if isinstance(value, Unknown):
            names = names_in(value)
            if "datastore_root" in names and not names & _PARENT:
                return True
    return False
