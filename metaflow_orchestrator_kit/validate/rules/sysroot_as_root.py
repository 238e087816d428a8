from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Option, Side
from metaflow_orchestrator_kit.validate.model.values import Unknown, names_in, options_of
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

FLAG = "--datastore-root"
VARIABLE = "METAFLOW_DATASTORE_SYSROOT_LOCAL"
_READ = frozenset([VARIABLE, "os", "environ", "get", "getenv", "env"])
_IN_SHELL = regex(rf"[\"']?\$\{{?{VARIABLE}(?::-[^}}/]*)?\}}?[\"']?")


class SysrootAsRoot(Rule):
    """The folder that holds the local datastore is passed as the datastore's root.

    `METAFLOW_DATASTORE_SYSROOT_LOCAL` is the folder in which Metaflow makes `.metaflow`, and the
    root is that. With `--datastore-root "$METAFLOW_DATASTORE_SYSROOT_LOCAL"` the tasks write
    beside the datastore: the client finds no artifact, and a resumed run none of its inputs.
    """

    code = "MOK978"
    name = "sysroot-as-datastore-root"
    clauses = ("D10", "G7")

    VALID = (
        Example("the folder in it", compiler("""\
        import os
        def command(node):
            home = os.environ.get("METAFLOW_DATASTORE_SYSROOT_LOCAL", "")
            top = ["python", "flow.py", "--datastore-root", home + "/.metaflow"]
            return top + ["step", node, "--run-id", "r", "--task-id", "t"]
        """)),
        Example("the datastore's own root", compiler("""\
        def command(obj, node):
            top = ["python", "flow.py", "--datastore-root", obj.flow_datastore.datastore_root]
            return top + ["step", node, "--run-id", "r", "--task-id", "t"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("from the environment", compiler("""\
        import os
        def command(node):
            home = os.environ.get("METAFLOW_DATASTORE_SYSROOT_LOCAL", "")
            top = ["python", "flow.py", "--datastore-root", home]  # <-- here
            return top + ["step", node, "--run-id", "r", "--task-id", "t"]
        """)),
        Example("in a script", compiler('''\
        STEP = """#!/bin/sh
        set -e
        python f.py --datastore-root $METAFLOW_DATASTORE_SYSROOT_LOCAL step a --run-id r # <-- here
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable(f"no command has `{FLAG}`")
        for command in analysis.of_kind("init", "step", "dump"):
            for option in command.options(FLAG, Side.TOP):
                if _is_sysroot(option):
                    verdict.fail(
                        option.origin,
                        f"`{FLAG}` is {VARIABLE}, the folder that the root is in",
                        'Pass os.path.join(sysroot, ".metaflow").',
                    )
                else:
                    verdict.ok(option.origin, f"`{FLAG}` is not the folder around it")


def _is_sysroot(option: Option) -> bool:
    """Whether the value is what the variable holds, and nothing is added to it."""
    if _IN_SHELL.fullmatch(option.text or ""):
        return True
    if option.text != "\0":
        return False
    return any(
        isinstance(way, Unknown) and VARIABLE in names_in(way) and names_in(way) <= _READ
        for value in option.values
        for _, way in options_of(value)
    )
