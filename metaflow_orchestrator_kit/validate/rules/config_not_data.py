from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.loading import imported_at_load, third_party
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.plugins import origin_of
from metaflow_orchestrator_kit.validate.project import Module, dotted
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import CONFIG, CONFIG_TEXT

_FIX = "Keep the module to lists of literals; do everything else where the plugin is used."
#: Calls that read the outside world, or run something, and may therefore raise.
_RISKY = {
    "open", "read_text", "read_bytes", "loads", "load", "run", "check_output", "check_call",
    "Popen", "import_module", "__import__", "version", "get_distribution", "urlopen", "exec",
    "connect", "system",
}  # fmt: skip


class ConfigModuleNotData(Rule):
    """The module that registers the plugins does more than list them.

    Whatever raises in it makes Metaflow print "Plugins did not load -- ignoring all of them" and
    drop the plugins of *every* installed extension; the user later sees "No such command" or an
    AttributeError. That is what a missing scheduler SDK, file or environment variable does.

    Keep it to `*_DESC` lists, toggles and constants.
    """

    code = "MOK101"
    name = "config-module-not-data"
    clauses = ("A4",)
    severity = Severity.ERROR

    VALID = (
        Example("lists of literals", {}),
        Example("a toggle by an environment variable", {
            CONFIG: f'import os\n{CONFIG_TEXT}if os.environ.get("ACME"):\n    CLIS_DESC = []\n'}),
        Example("where it runs", {
            CONFIG: f'import platform\n{CONFIG_TEXT}MAC = platform.system() == "Darwin"\n'}),
        Example("an import that may fail quietly", {
            CONFIG: f"try:\n    import acmelib\nexcept ImportError:\n    pass\n{CONFIG_TEXT}"}),
    )  # fmt: skip
    INVALID = (
        Example("the scheduler's SDK", {CONFIG: f"import acmelib  # <-- here\n{CONFIG_TEXT}"}),
        Example("a variable that must be set", {
            CONFIG: f'import os\nHOST = os.environ["ACME_HOST"]  # <-- here\n{CONFIG_TEXT}'}),
        Example("a file that must be there", {
            CONFIG: f'VERSION = open("VERSION").read()  # <-- here\n{CONFIG_TEXT}'}),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        configs = [m for e in analysis.project.extensions for m in e.configs if not m.outside]
        if not configs:
            verdict.not_applicable("no module here registers plugins")
        for module in configs:
            before = len(verdict.findings)
            for found in imported_at_load(analysis.project, module):
                if third_party(found):
                    verdict.fail(
                        _site(found.chain, module, found.origin),
                        f"importing it needs `{found.package}`; where that is not installed, "
                        "the plugins of every extension are dropped",
                        _FIX,
                    )
            for node, what in _risks(module):
                verdict.fail(origin_of(module, node), f"{what}, which may raise", _FIX)
            if len(verdict.findings) == before:
                verdict.ok(Origin(module.path, 1, 1, 1), "the module only lists plugins")


def _site(chain: tuple[str, ...], module: Module, origin: Origin) -> Origin:
    return origin if len(chain) == 1 else Origin(module.path, 1, 1, 1)


def _risks(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """What may raise when the module is imported; a ``try`` around it is believed."""
    waiting: list[ast.AST] = list(module.tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Try | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Raise | ast.Assert):
            yield node, "it raises on purpose"
        elif isinstance(node, ast.Call):
            name = dotted(node.func) or str(getattr(node.func, "attr", ""))
            if name.rpartition(".")[2] in _RISKY and not name.startswith("platform."):
                yield node, f"it calls `{name}`"
                continue
        elif isinstance(node, ast.Subscript) and (dotted(node.value) or "").endswith("environ"):
            yield node, "it requires an environment variable"
        waiting.extend(ast.iter_child_nodes(node))
