from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.plugins import origin_of
from metaflow_orchestrator_kit.validate.project import Module, dotted
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import DEPLOYER_TEXT, deployer

_ASKING = ("version", "distribution", "metadata", "get_distribution", "require", "files")
_SOURCES = ("importlib.metadata", "importlib_metadata", "pkg_resources")


class VersionAskedAtImport(Rule):
    """A module asks for the version of an installed distribution while it is imported.

    Inside a task the extension comes with the code package: its files are there, but it is not
    installed, so there is no metadata. `importlib.metadata.version(...)` raises
    PackageNotFoundError, and the task says "Unknown step decorator" or dies.

    Catch the error, or ask inside a function.
    """

    code = "MOK111"
    name = "version-asked-at-import"
    clauses = ("A9",)
    severity = Severity.ERROR

    VALID = (
        Example("with the error caught", deployer(
            "from importlib.metadata import PackageNotFoundError, version\n"
            "try:\n    __version__ = version('acme')\n"
            "except PackageNotFoundError:\n    __version__ = 'unknown'\n" + DEPLOYER_TEXT)),
        Example("not at all", {}),
    )  # fmt: skip
    INVALID = (
        Example("by name", deployer(
            "from importlib.metadata import version\n"
            "__version__ = version('metaflow-acme')  # <-- here\n" + DEPLOYER_TEXT)),
        Example("by the module", deployer(
            "import importlib.metadata\n"
            "V = importlib.metadata.version('metaflow-acme')  # <-- here\n" + DEPLOYER_TEXT)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for module in analysis.project.modules:
            if "metadata" not in module.source and "pkg_resources" not in module.source:
                continue
            for call in _calls_at_load(module.tree.body):
                if _asks(call, module):
                    verdict.fail(
                        origin_of(module, call),
                        "asks for an installed distribution; in a task, which has only the code "
                        "package, there is none",
                        "Catch PackageNotFoundError, or ask inside a function.",
                    )
        if not analysis.has_code():
            verdict.not_applicable("there is no code to read")
        elif not verdict.findings:
            first = analysis.project.modules[0]
            verdict.ok(Origin(first.path, 1, 1, 1), "no module asks for a version when imported")


def _calls_at_load(body: list[ast.stmt]) -> Iterator[ast.Call]:
    """Calls that run at import and whose errors nobody catches."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop(0)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                continue
            case ast.Try(handlers=handlers) if handlers:
                continue
            case ast.Call():
                yield node
        waiting.extend(ast.iter_child_nodes(node))


def _asks(call: ast.Call, module: Module) -> bool:
    name = dotted(call.func) or ""
    head, _, rest = name.partition(".")
    base, attribute = module.imports.get(head, ("", None))
    full = ".".join(p for p in (base, attribute, rest) if p)
    return any(full == f"{source}.{asked}" for source in _SOURCES for asked in _ASKING)
