from __future__ import annotations

from collections.abc import Iterable

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command, Presence, Side
from metaflow_orchestrator_kit.validate.env import EnvWrite
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import Const, key_of, names_in
from metaflow_orchestrator_kit.validate.project import Project
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import (
    by_place,
    describe_unknown,
    nothing_launched,
)
from metaflow_orchestrator_kit.validate.rules.examples import compiler

FLAG = "--datastore-root"
PREFIX = "METAFLOW_DATASTORE_SYSROOT_"
_FIX = (
    f"Pass `{FLAG}` (obj.flow_datastore.datastore_root, as it is at create) before the "
    f"sub-command of init and step, and set {PREFIX}<TYPE> for code in the tasks."
)
_OF_THE_WORKER = {"expanduser", "home", "getcwd", "cwd", "gettempdir", "mkdtemp"}


class DatastoreRootNotPinned(Rule):
    """The datastore's root is not carried from `create` to the tasks.

    A task that is not told where the datastore lies uses the default of the machine it runs on:
    it writes somewhere else than the deployer reads, and the run "does not exist". Take the root
    at create; a home or current directory of the worker is a guess, not the root.
    """

    code = "MOK007"
    name = "datastore-root-not-pinned"
    clauses = ("D10", "G7")
    severity = Severity.ERROR

    VALID = (
        Example("the option", compiler("""\
        def command(obj, node):
            top = ["python", "flow.py", "--datastore-root=%s" % obj.flow_datastore.datastore_root]
            return top + ["step", node, "--run-id", "r"]
        """)),
        Example("the variable", compiler("""\
        def command(obj, node):
            env = {"METAFLOW_DATASTORE_SYSROOT_LOCAL": obj.sysroot}
            return ["python", "flow.py", "step", node, "--run-id", "r"], env
        """)),
    )  # fmt: skip
    INVALID = (
        Example("not at all", compiler("""\
        def command(node):
            return ["python", "flow.py", "step", node, "--run-id", "r"]  # <-- here
        """)),
        Example("after the sub-command", compiler("""\
        def command(node, root):
            cmd = ["python", "flow.py", "step", node, "--run-id", "r"]
            return cmd + ["--datastore-root", root]  # <-- here
        """)),
        Example("only the local one, for whatever datastore there is", compiler("""\
        import os
        def command(obj, node):
            root = obj.flow_datastore.datastore_root
            env = {"METAFLOW_DATASTORE_SYSROOT_LOCAL": os.path.dirname(root)}
            top = ["python", "flow.py", "--datastore", obj.flow_datastore.TYPE]
            return top + ["step", node, "--run-id", "r"], env  # <-- here
        """)),
        Example("the worker's home", compiler("""\
        import os
        def command(node):
            env = {"METAFLOW_DATASTORE_SYSROOT_LOCAL": os.path.expanduser("~")}  # <-- here
            return ["python", "flow.py", "step", node, "--run-id", "r"], env
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        writes = list(_for_tasks(analysis.project, analysis.environment))
        guesses = [w for w in writes if _of_the_worker(w)]
        pinned = [w for w in writes if w not in guesses]
        for commands in by_place(analysis, "step", "init").values():
            for command in commands:
                self._judge(command, verdict, pinned, guesses)

    def _judge(
        self, command: Command, verdict: Judge, pinned: list[EnvWrite], guesses: list[EnvWrite]
    ) -> None:
        presence = command.presence(FLAG, Side.TOP)
        after = command.options(FLAG, Side.COMMAND)
        if presence is Presence.ALWAYS:
            verdict.ok(command.options(FLAG, Side.TOP)[0].origin, f"`{command.kind}` has `{FLAG}`")
        elif after:
            verdict.fail(
                after[0].origin,
                f"`{FLAG}` comes after `{command.kind}`, which has no such option",
                _FIX,
            )
        elif pinned and _any_datastore(command) and not any(w.is_prefix for w in pinned):
            verdict.fail(
                command.origin,
                f"`{command.kind}` names the datastore, but not its root: "
                f"{PREFIX}<TYPE> does not carry what create was given",
                _FIX,
                confidence=Confidence.MEDIUM,
            )
        elif pinned:
            verdict.ok(pinned[0].origin, f"{pinned[0].name.replace(chr(0), '*')} is set for tasks")
        elif guesses:
            verdict.fail(
                guesses[0].origin,
                f"{guesses[0].name} is taken from the machine that runs the task, "
                "not from the deployment",
                _FIX,
            )
        elif presence is Presence.UNKNOWN:
            verdict.unsure(command.origin, describe_unknown(command, Side.TOP))
        else:
            verdict.fail(
                command.origin,
                f"`{command.kind}` is started without `{FLAG}`, "
                f"and nothing sets {PREFIX}<TYPE> for it",
                _FIX,
            )


def _any_datastore(command: Command) -> bool:
    """Whether the command is told a datastore that is only known at create, and no root.

    What the flow's decorators add is theirs: it may hold a branch, not a root.
    """
    hidden = [t for t in command.unknown(Side.TOP) if "get_top_level_options" not in t.names]
    return not hidden and any(o.values for o in command.options("--datastore", Side.TOP))


def _for_tasks(project: Project, writes: Iterable[EnvWrite]) -> Iterable[EnvWrite]:
    """Writes that a task sees: not those into the process itself, nor those of the client side."""
    for write in writes:
        if not write.name.startswith(PREFIX) or write.own_process:
            continue
        owner = write.function.owner if write.function else None
        if owner is not None and project.is_subclass(owner, "TriggeredRun", "DeployedFlow"):
            continue
        if isinstance(write.value, Const) and write.value.value is None:
            continue
        yield write


def _of_the_worker(write: EnvWrite) -> bool:
    if key_of(write.value) is not None:
        return True
    names = names_in(write.value)
    known = _OF_THE_WORKER | {"os", "path", "Path", "pathlib", "str", "tempfile", "~", "join"}
    return bool(names & _OF_THE_WORKER) and names <= known | {"expanduser", ".metaflow"}
