from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.env import EnvWrite
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Unknown, names_in, options_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

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


def _is_root(write: EnvWrite) -> bool:
    """Whether one of the values is the datastore's root and nothing took its parent."""
    for _, value in options_of(write.value):
        names = names_in(value)
        if isinstance(value, Unknown) and "datastore_root" in names and not names & _PARENT:
            return True
    return False
