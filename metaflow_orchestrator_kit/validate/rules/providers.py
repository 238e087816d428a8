from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command, Option, Presence, Side
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Text
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import (
    by_place,
    describe_unknown,
    nothing_launched,
)
from metaflow_orchestrator_kit.validate.rules.examples import compiler

_ATTRIBUTES = {
    "--metadata": "metadata",
    "--datastore": "flow_datastore",
    "--event-logger": "event_logger",
    "--monitor": "monitor",
}
_VARIABLES = {
    "--metadata": "METAFLOW_DEFAULT_METADATA",
    "--datastore": "METAFLOW_DEFAULT_DATASTORE",
    "--event-logger": "METAFLOW_DEFAULT_EVENT_LOGGER",
    "--monitor": "METAFLOW_DEFAULT_MONITOR",
}
_SIDELINES = frozenset(["--event-logger", "--monitor"])


class ProviderNotPinned(Rule):
    """A command is started without `--metadata`, `--datastore`, `--event-logger` or `--monitor`.

    They are chosen when the flow is deployed. A task that is not told takes the default of the
    machine it runs on: it reports to another service or writes to another store than the
    deployer reads, and the run "does not exist". A provider that is written down is as wrong for
    everybody who uses another. Take all of them from `obj` at create.
    """

    code = "MOK212"
    name = "provider-not-pinned"
    clauses = ("D10",)
    severity = Severity.ERROR

    VALID = (
        Example("taken from obj", compiler("""\
        def command(obj, node):
            top = ["python", "flow.py", "--quiet", "--metadata=%s" % obj.metadata.TYPE]
            top += ["--datastore=%s" % obj.flow_datastore.TYPE]
            top += ["--event-logger=%s" % obj.event_logger.TYPE]
            top += ["--monitor=%s" % obj.monitor.TYPE]
            return top + ["step", node, "--run-id", "r", "--task-id", "t"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("none of them", compiler("""\
        def command(node):
            return ["python", "flow.py", "step", node, "--run-id", "r"]  # <-- here
        """)),
        Example("two forgotten", compiler("""\
        def command(obj, node):
            top = f"--metadata {obj.metadata.TYPE} --datastore {obj.flow_datastore.TYPE}"
            step = f"step {node} --run-id r --task-id t"  # <-- here
            return f"python flow.py {top} {step}"
        """)),
        Example("one written down", compiler("""\
        def command(obj, node):
            top = ["python", "flow.py", "--metadata", obj.metadata.TYPE]
            top += ["--event-logger", obj.event_logger.TYPE, "--monitor", obj.monitor.TYPE]
            top += ["--datastore", "local"]  # <-- here
            return top + ["step", node, "--run-id", "r", "--task-id", "t"]
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        by_env = {w.name for w in analysis.environment if not w.own_process}
        for commands in by_place(analysis, "step", "init").values():
            for command in commands:
                self._written_down(command, verdict)
                self._missing(command, by_env, verdict)

    def _written_down(self, command: Command, verdict: Judge) -> None:
        for flag, attribute in _ATTRIBUTES.items():
            options = command.options(flag, Side.TOP)
            if flag in _SIDELINES or not options or not all(_is_written(o) for o in options):
                continue
            verdict.fail(
                options[0].origin,
                f"`{flag} {(options[0].text or '').strip()}` is written down",
                f"Take it from obj.{attribute}.TYPE at create.",
                severity=Severity.WARNING,
            )

    def _missing(self, command: Command, by_env: set[str], verdict: Judge) -> None:
        presence = {
            flag: command.presence(flag, Side.TOP)
            for flag in _ATTRIBUTES
            if _VARIABLES[flag] not in by_env
        }
        absent = [f for f, p in presence.items() if p is Presence.ABSENT]
        if absent:
            verdict.fail(
                command.origin,
                f"`{command.kind}` is started without {', '.join(f'`{f}`' for f in absent)}",
                "Pass the TYPE of " + ", ".join(f"obj.{_ATTRIBUTES[f]}" for f in absent) + ", as "
                f"it is at create, before `{command.kind}`.",
                severity=Severity.WARNING if _SIDELINES.issuperset(absent) else None,
            )
        elif Presence.UNKNOWN in presence.values():
            verdict.unsure(command.origin, describe_unknown(command, Side.TOP))
        else:
            verdict.ok(command.origin, f"`{command.kind}` has all providers")


def _is_written(option: Option) -> bool:
    values = [v.literal() if isinstance(v, Text) else None for v in option.values]
    if values:
        return None not in values and not any("{" in v or "$" in v for v in values if v)
    text = option.text or ""
    return bool(text) and not set(text) & set("\0{$")
