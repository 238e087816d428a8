from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs, source
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.walking import walk

_SECRET = regex(r"(password|passwd|secret|api_?key|auth_key|access_key|_token$|^token$)", re.I)
#: Metaflow's production tokens say who may redeploy; they open no door.
_HARMLESS = regex(r"production|given|generate|new_token|prev|prefix|page|next|schedule_token")
_WIDE = regex(r"^(METAFLOW_|METAFLOW_SERVICE_?|AWS_|)$")
_SPARED = regex(r"AUTH|HEADER|SECRET|KEY|TOKEN|PASSWORD|(?i:exclude|skip|deny|block|allow)")
_FIX = (
    "Name the variables that tasks need and leave out keys, tokens and headers; read a secret "
    "where it is used: from the environment of the process, or the scheduler's secret store."
)


class SecretsBaked(Rule):
    """A secret becomes part of a compiled workflow or of a deployment's identifier.

    Whoever may read the scheduler's definitions, a repository with generated files, or a line of
    a log then holds the key. Variables copied by their prefix (`METAFLOW_SERVICE*`, `AWS_*`) carry
    METAFLOW_SERVICE_AUTH_KEY, the service's headers and AWS_SECRET_ACCESS_KEY along.
    """

    code = "MOK901"
    name = "secret-in-artifact"
    clauses = ("M5", "C4")
    severity = Severity.ERROR

    VALID = (
        Example("variables by name", compiler("""\
        import os

        def environment():
            names = ("METAFLOW_SERVICE_URL", "METAFLOW_DEFAULT_DATASTORE")
            return {name: os.environ[name] for name in names if name in os.environ}
        """)),
        Example("a prefix without its secrets", compiler("""\
        import os

        def environment():
            found = {}
            for name, value in os.environ.items():
                if name.startswith("METAFLOW_SERVICE") and "AUTH" not in name:
                    found[name] = value
            return found
        """)),
    )  # fmt: skip
    INVALID = (
        Example("every variable with a prefix", compiler("""\
        import os

        def environment():
            found = {}
            for name, value in os.environ.items():  # <-- here
                if name.startswith("METAFLOW_SERVICE") or name.startswith("METAFLOW_DEFAULT"):
                    found[name] = value
            return found
        """)),
        Example("as a comprehension", compiler("""\
        import os

        def environment():
            return {k: v for k, v in os.environ.items() if k.startswith("AWS_")}  # <-- here
        """)),
        Example("in what identifies the deployment", compiler("""\
        import json
        from metaflow._vendor import click

        @click.command()
        @click.option("--acme-token", default=None, envvar="ACME_TOKEN")
        def create(acme_token, path):
            info = {"name": "flow", "additional_info": {"acme_token": acme_token}}  # <-- here
            with open(path, "w") as f:
                json.dump(info, f)
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            if program.generated:
                continue
            for loop in program.nodes(ast.For):
                _check_copy(program, loop, verdict)
            for part in program.nodes(ast.comprehension):
                _check_copy(program, part, verdict)
            for attribute in program.nodes(ast.Attribute):
                if attribute.attr in ("environ", "getenv"):
                    verdict.ok(program.place(attribute), "variables are named one by one")
        for command in clicks.commands(analysis.project):
            secret = {p.dest for p in command.parameters if _is_secret(p.dest)}
            if secret:
                _check_command(analysis, command, secret, verdict)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no variable of the environment and no secret is read")


def _is_secret(name: str) -> bool:
    return bool(_SECRET.search(name)) and not _HARMLESS.search(name)


def _check_copy(program: Program, node: ast.For | ast.comprehension, verdict: Judge) -> None:
    """``for name, value in os.environ.items()`` that keeps all names with a prefix."""
    if not re.search(r"environ\b.*\.items\(\)$|config_values\(\)$", source(node.iter)):
        return
    scope = program.function(node)
    whole = node if isinstance(node, ast.For) else next(program.parents(node), node)
    text = source(whole)
    starts = [
        c.value
        for n in walk(whole)
        if isinstance(n, ast.Call) and called(n) == "startswith"
        for a in n.args
        for c in walk(a)
        if isinstance(c, ast.Constant) and isinstance(c.value, str)
    ]
    wide = [s for s in starts if _WIDE.match(s)]
    if not wide or _SPARED.search(text) or (scope is not None and _starts_process(scope)):
        return
    place = program.place(node.iter)
    names = "METAFLOW_SERVICE_AUTH_KEY" if wide[0].startswith("MET") else "AWS_SECRET_ACCESS_KEY"
    verdict.fail(place, f"every `{wide[0]}*` variable is copied, {names} included", _FIX)


def _starts_process(scope: ast.AST) -> bool:
    """Whether the variables are for a process that is started right there."""
    return any(
        isinstance(n, ast.Call) and re.search(r"subprocess|Popen|run_command", source(n.func))
        for n in walk(scope)
    )


def _check_command(
    analysis: Analysis, command: clicks.Command, secret: set[str], verdict: Judge
) -> None:
    """A dictionary with the secret in it that the command writes out as JSON."""
    writes = [
        n
        for n in walk(command.node)
        if isinstance(n, ast.Call) and called(n) in ("dump", "dumps", "safe_dump")
    ]
    program = next(p for p in programs(analysis) if p.module is command.module)
    for node in walk(command.node) if writes else ():
        if not isinstance(node, ast.Dict):
            continue
        told = [v for v in node.values if isinstance(v, ast.Name) and v.id in secret]
        if told:
            names = " and ".join(f"`{v.id}`" for v in told)
            text = f"{names} {'is' if len(told) == 1 else 'are'} written into "
            verdict.fail(program.place(told[0]), text + "what identifies the deployment", _FIX)
