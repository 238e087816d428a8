from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.objects import call_name
from metaflow_orchestrator_kit.validate.plugins import header_of, origin_of
from metaflow_orchestrator_kit.validate.reach import Function, reachable
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli
from metaflow_orchestrator_kit.validate.walking import walk

_STDIO = ("stdin", "stdout", "stderr")
_SESSION = {"start_new_session", "preexec_fn", "creationflags", "process_group"}
_ENDED = regex(r"is_done|finished|terminal|succe|fail|complet|is_running|abort|cancel|wait", re.I)
#: Calls of schedulers' SDKs that run the whole flow where they stand.
_IN_PLACE = frozenset(
    ["execute_in_process", "execute_job", "run_in_process", "execute_run", "execute_workflow"]
)
_COMMAND = "import subprocess, time\n\n@acme.command()\n@click.pass_obj\ndef trigger(obj):\n"


def _case(body: str) -> Mapping[str, str]:
    return cli(_COMMAND + "".join(f"    {line}\n" for line in body.splitlines()))


class TriggerBlocks(Rule):
    """`trigger` does not return when the run has been accepted.

    The Python `trigger()` waits until the command has ended *and* its output is closed. Waiting
    for the run, or a process left behind that inherits stdout or stderr, holds the caller for the
    whole run; a process without a session of its own dies with the caller's terminal. Writing the
    attribute file early does not help.

    Hand the run over and end. Start a local process with stdin, stdout and stderr redirected, and
    `start_new_session=True`.
    """

    code = "MOK134"
    name = "trigger-blocks"
    clauses = ("C6",)
    severity = Severity.ERROR

    VALID = (
        Example("a process of its own", _case(
            "null = subprocess.DEVNULL\nsubprocess.Popen(['engine'], stdin=null, stdout=null,\n"
            "    stderr=null, start_new_session=True)")),
        Example("a request", _case("obj.client.start('run')")),
        Example("a short command", _case("subprocess.run(['acmectl', 'start'], check=True)")),
    )  # fmt: skip
    INVALID = (
        Example("the run itself", _case("obj.job.execute_in_process()  # <-- here")),
        Example("a call that waits for it", _case(
            "asyncio.run(obj.client.execute_workflow('Run'))  # <-- here")),
        Example("inherited output", _case("subprocess.Popen(['engine'])  # <-- here")),
        Example("waiting for the end", _case(
            "while True:  # <-- here\n    if obj.client.status() in ('SUCCEEDED', 'FAILED'):\n"
            "        break\n    time.sleep(5)")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = clicks.scheduler_commands(analysis.project, "trigger")
        if not found:
            verdict.not_applicable("no command `trigger` is defined here")
        for command in found:
            before = len(verdict.findings)
            for module, node in reachable(analysis.project, command.module, command.node):
                for process in _processes(node):
                    missing = _shared(process)
                    if missing:
                        verdict.fail(
                            origin_of(module, process),
                            f"the process shares {', '.join(missing)} with `trigger`, so the "
                            "caller waits for it",
                            "Redirect stdin, stdout and stderr; set start_new_session=True.",
                        )
                for call in _in_place(node):
                    verdict.fail(
                        origin_of(module, call),
                        f"`{call_name(call)}` runs the whole flow inside `trigger`",
                        "Hand the run over to a process of the scheduler, and end.",
                    )
                for loop in _polls(node):
                    verdict.fail(
                        origin_of(module, loop)._replace(end_line=loop.lineno),
                        "`trigger` waits here for the run to end",
                        "End as soon as the run is accepted; waiting is the caller's business.",
                        confidence=Confidence.MEDIUM,
                    )
            if len(verdict.findings) == before:
                verdict.ok(header_of(command.module, command.node), "`trigger` waits for nothing")


def _processes(node: Function) -> Iterator[ast.Call]:
    """Processes that are started and not waited for in the same function."""
    waited = {
        call_name(n).rpartition(".")[0]
        for n in walk(node)
        if isinstance(n, ast.Call) and call_name(n).endswith((".wait", ".communicate"))
    }
    for statement in walk(node):
        if not isinstance(statement, ast.Assign | ast.Expr):
            continue
        value = statement.value
        if isinstance(value, ast.Call) and call_name(value).rpartition(".")[2] == "Popen":
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            names = {t.id for t in targets if isinstance(t, ast.Name)}
            if not names & waited:
                yield value


def _shared(call: ast.Call) -> list[str]:
    given = {k.arg for k in call.keywords}
    if None in given:
        return []
    missing = [s for s in _STDIO[1:] if s not in given]
    if not given & _SESSION:
        missing.append("its session")
    return missing


def _in_place(node: Function) -> Iterator[ast.Call]:
    for call in walk(node):
        if isinstance(call, ast.Call) and call_name(call).rpartition(".")[2] in _IN_PLACE:
            yield call


def _polls(node: Function) -> Iterator[ast.While]:
    """Loops that sleep and ask whether something has ended."""
    for loop in walk(node):
        if isinstance(loop, ast.While):
            names = [call_name(n) for n in walk(loop) if isinstance(n, ast.Call)]
            if any(n.rpartition(".")[2] == "sleep" for n in names) and _ENDED.search(_asked(loop)):
                yield loop


def _asked(loop: ast.While) -> str:
    """What the tests of a loop are about."""
    tests = [loop.test, *(n.test for n in walk(loop) if isinstance(n, ast.If))]
    return " ".join(ast.unparse(t) for t in tests)
