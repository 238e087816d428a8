from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.objects import call_name
from metaflow_orchestrator_kit.validate.plugins import header_of, origin_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_module
from metaflow_orchestrator_kit.validate.walking import walk

_RUNNERS = {
    "run_command",
    "async_run_command",
    "run",
    "call",
    "check_call",
    "check_output",
    "Popen",
}
_HEAD = """\
import subprocess
import sys
from metaflow.runner.deployer import DeployedFlow
from metaflow.runner.utils import get_lower_level_group

class AcmeDeployedFlow(DeployedFlow):
    def trigger(self, **kwargs):
        group = get_lower_level_group(self.deployer.api, {}, "acme", {})
        command = group.trigger(**kwargs)
"""
_RUN = "        pid = self.deployer.spm.run_command([sys.executable, *command]"
_FIX = (
    "Build it by get_lower_level_group(api, top_level_kwargs, TYPE, deployer_kwargs), and run it "
    "through deployer.spm with env=deployer.env_vars and cwd=deployer.cwd."
)


class HandBuiltCommand(Rule):
    """A deployed flow or a run starts a command without what the deployer was given.

    `Deployer(flow, branch="x", env=..., cwd=..., profile=...)` holds for every later command.
    One that is put together by hand lacks the branch and the datastore, and acts on another
    deployment; one that is run without `env` and `cwd` uses another profile, or does not find the
    flow.

    Go through `get_lower_level_group` and `deployer.spm`.
    """

    code = "MOK123"
    name = "hand-built-command"
    clauses = ("B14", "B7")
    severity = Severity.ERROR

    VALID = (
        Example("as Metaflow does", objects_module(
            f"{_HEAD}{_RUN}, env=self.deployer.env_vars, cwd=self.deployer.cwd)\n")),
        Example("another program", objects_module(
            f"{_HEAD}        subprocess.run(['acmectl', 'status'])\n")),
    )  # fmt: skip
    INVALID = (
        Example("a list of one's own", objects_module(
            f"{_HEAD}        subprocess.run(  # <-- here\n"
            "            [sys.executable, self.deployer.flow_file, 'acme', 'trigger'])\n")),
        Example("another environment", objects_module(
            f"{_HEAD}{_RUN}, cwd=self.deployer.cwd)  # <-- here\n")),
        Example("another directory", objects_module(
            f"{_HEAD}{_RUN}, env=self.deployer.env_vars)  # <-- here\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        bases = (objects.DEPLOYED_FLOW, objects.TRIGGERED_RUN, objects.DEPLOYER)
        classes = [c for base in bases for c in objects.leaves(project, base)]
        if not classes:
            verdict.not_applicable("no class of the Deployer API is defined here")
        for module in {id(c.module): c.module for c in classes}.values():
            before = len(verdict.findings)
            for call in _started(module.tree):
                message = _fault(call)
                if message is not None:
                    verdict.fail(origin_of(module, call), message, _FIX)
            if len(verdict.findings) == before:
                first = next(c for c in classes if c.module is module)
                where = header_of(module, first.node)
                verdict.ok(where, "commands are started with the deployer's settings")


def _started(tree: ast.AST) -> Iterator[ast.Call]:
    for node in walk(tree):
        if isinstance(node, ast.Call) and call_name(node).rpartition(".")[2] in _RUNNERS:
            yield node


def _fault(call: ast.Call) -> str | None:
    given = {k.arg for k in call.keywords}
    if call_name(call).endswith(".run_command"):
        missing = [n for n in ("env", "cwd") if n not in given]
        if missing and None not in given and len(call.args) < 3:
            return f"the command is run without the deployer's {' and '.join(missing)}"
        return None
    if not call.args or not call_name(call).startswith(("subprocess.", "Popen")):
        return None
    words = ast.unparse(call.args[0])
    if "sys.executable" in words and "flow_file" in words:
        return "a command of the flow is put together by hand: the deployer's options are missing"
    return None
