from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.env import EnvWrite
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import above, calls, index, terminal

_UNREAD = regex(r"METAFLOW_PARAMETERS|METAFLOW_PARAMETER_[A-Z0-9_\0]*|MF_PARAM_\w*")
#: Programs of Metaflow that turn METAFLOW_PARAMETERS into what `init` reads.
_TRANSPORT = ("set_batch_environment", "set_parameters", "METAFLOW_INIT_")
_SHELL = regex(r"\s*(?:export\s+)?MF_PARAM_[\w%{}.]*=")
_USED = regex(
    r"\$\{?MF_PARAM_|environ.*MF_PARAM_|getenv.*MF_PARAM_|startswith.*MF_PARAM_|^MF_PARAM_$"
)
_READERS = frozenset(["get", "getenv", "pop", "environ", "startswith"])


class ParametersInUnreadVariables(Rule):
    """Parameters are put into variables that `init` does not read.

    METAFLOW_PARAMETERS, METAFLOW_PARAMETER_<NAME> and MF_PARAM_<NAME> mean nothing to `init`: all
    parameters silently take their defaults. Pass `--<name> <value>`, or set
    METAFLOW_INIT_<NAME>, in capitals and with `_` for `-`.
    """

    code = "MOK255"
    name = "parameters-in-unread-variables"
    clauses = ("E5",)
    severity = Severity.ERROR

    VALID = (
        Example("read by init", compiler("""\
        def environment(parameters):
            env = {}
            for name, value in parameters.items():
                env["METAFLOW_INIT_%s" % name.upper()] = value
            return env
        """)),
        Example("turned into it by a program of Metaflow", compiler("""\
        def environment(parameters):
            env = {"METAFLOW_PARAMETERS": parameters}
            return env, "python -m metaflow.plugins.aws.step_functions.set_batch_environment"
        """)),
    )  # fmt: skip
    INVALID = (
        Example("all in one", compiler("""\
        import json
        def environment(parameters):
            return {"METAFLOW_PARAMETERS": json.dumps(parameters)}  # <-- here
        """)),
        Example("one for each", compiler("""\
        def environment(parameters, env):
            for name, value in parameters.items():
                env["METAFLOW_PARAMETER_%s" % name.upper()] = value  # <-- here
            return env
        """)),
        Example("in a script", compiler("""\
        def lines(names):
            return ['MF_PARAM_%s="$%s"' % (name.upper(), name) for name in names]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        writes = [w for w in analysis.environment if _UNREAD.fullmatch(w.name)]
        self._in_shell(analysis, verdict)
        own = [w for w in analysis.environment if w.name.startswith("METAFLOW_INIT_")]
        for write in own:
            verdict.ok(write.origin, "parameters are set as METAFLOW_INIT_<NAME>")
        if not writes:
            verdict.not_applicable("no parameters are put into such variables")
            return
        reader = _transported(analysis) or _read(analysis, writes)
        for write in writes:
            shown = write.name.replace("\0", "<NAME>")
            if reader:
                verdict.ok(write.origin, f"{shown} is read by {reader}")
                continue
            verdict.fail(
                write.origin,
                f"`init` does not read {shown}",
                "Pass `--<name> <value>` to init, or set METAFLOW_INIT_<NAME>.",
            )

    def _in_shell(self, analysis: Analysis, verdict: Judge) -> None:
        """``MF_PARAM_X=...`` in a script that nobody reads it in."""
        texts = [(m, n, n.value) for m, n in index(analysis).strings if isinstance(n.value, str)]
        if any(_USED.search(text) for _, _, text in texts):
            return
        for module, node, text in texts:
            if _SHELL.match(text):
                verdict.fail(
                    analysis.place(module, node),
                    "`init` does not read MF_PARAM_<NAME>",
                    "Pass `--<name> <value>` to init, or set METAFLOW_INIT_<NAME>.",
                )


def _transported(analysis: Analysis) -> str | None:
    for _, node in index(analysis).strings:
        found = next((t for t in _TRANSPORT if isinstance(node.value, str) and t in node.value), "")
        if found:
            return found
    return None


def _read(analysis: Analysis, writes: list[EnvWrite]) -> str | None:
    """What reads one of the variables, in Python."""
    stems = {w.name.partition("\0")[0] for w in writes}
    for _, call in calls(analysis, *_READERS):
        if any(isinstance(a, ast.Constant) and a.value in stems for a in call.args):
            return f"{terminal(call.func)}()"
    for _, node in index(analysis).strings:
        around = next(iter(above(analysis, node)), None)
        read = isinstance(around, ast.Subscript) and isinstance(around.ctx, ast.Load)
        if read and node.value in stems and terminal(around) == "environ":
            return "os.environ"
    return None
