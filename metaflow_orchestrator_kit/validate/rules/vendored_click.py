from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate import clicks, edits
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Edit, Fix, Severity
from metaflow_orchestrator_kit.validate.loading import unguarded
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.plugins import CLIS, entries, origin_of
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import CLI_TEXT, cli, cli_module

_FIX = "from metaflow._vendor import click"


class ForeignClick(Rule):
    """The commands are made with the click from the package index, not with Metaflow's own.

    Metaflow carries a copy of click, and accepts only its objects: a group of the other click is
    refused with "Lazy loading of ... failed by returning a non-group object", or its commands are
    simply not found.

    Write `from metaflow._vendor import click`.
    """

    code = "MOK109"
    name = "foreign-click"
    clauses = ("A7",)
    severity = Severity.ERROR

    VALID = (Example("Metaflow's click", cli("")),)
    INVALID = (
        Example("the other click", cli_module(
            CLI_TEXT.replace("from metaflow._vendor import click", "import click  # <-- here"))),
        Example("names of it", cli_module(
            "from click import group  # <-- here\n\n@group()\ndef cli():\n    pass\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        defining = {id(c.module): c.module for c in clicks.commands(project)}
        for entry in entries(project, CLIS):
            if entry.home is not None:
                defining.setdefault(id(entry.home), entry.home)
        if not defining:
            verdict.not_applicable("no command line is defined here")
        for module in defining.values():
            names = {
                name
                for name, (base, _) in module.imports.items()
                if base == "click" or base.startswith("click.")
            }
            bad = [
                node
                for node in unguarded(module.tree.body)
                if any((a.asname or a.name.partition(".")[0]) in names for a in node.names)
            ]
            if bad:
                verdict.fail(
                    origin_of(module, bad[0]),
                    "these commands are made with a click that Metaflow does not accept",
                    _FIX,
                    fix=_fix(module, bad),
                )
            else:
                verdict.ok(Origin(module.path, 1, 1, 1), "the commands are made with its own click")


def _fix(module: Module, imports: list[ast.Import | ast.ImportFrom]) -> Fix | None:
    made: list[Edit] = []
    for node in imports:
        edit = None
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            line = rf"\bfrom\s+{re.escape(node.module)}(?=\s)"
            text = f"from metaflow._vendor.{node.module}"
            edit = edits.on_line(module.path, module.lines, node.lineno, line, text)
        elif isinstance(node, ast.Import) and [a.name for a in node.names] == ["click"]:
            alias = f" as {node.names[0].asname}" if node.names[0].asname else ""
            edit = edits.replacing(module, node, f"from metaflow._vendor import click{alias}")
        if edit is None:
            return None
        made.append(edit)
    return Fix(tuple(made))
