from __future__ import annotations

from collections.abc import Sequence

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.project import CONFIG_NAME, NAMESPACE, Extension, Module
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import CONFIG, CONFIG_TEXT, DEPLOYER, PLUGINS

#: Below `plugins`, what Metaflow finds by itself: extension points of their own.
_FOUND_WITHOUT = ("cards", "datatools", "env_escape")
_FIX = (
    "Register the plugins in exactly one file: "
    "metaflow_extensions/<org>/plugins/mfextinit_<name>.py (or plugins/__init__.py)."
)


class ConfigModuleNotUnique(Rule):
    """The plugins are not registered by exactly one configuration module.

    Metaflow looks for `metaflow_extensions/<org>/plugins/mfextinit_<name>.py`, or for
    `plugins/__init__.py`. With none of them the extension does not exist; with two of them, or
    with an `__init__.py` in `metaflow_extensions` itself, `import metaflow` raises RuntimeError
    and every flow on that interpreter dies. Keep one file, and leave the namespace package bare.
    Cards alone (`plugins/cards/<name>/`) are found without one.
    """

    code = "MOK001"
    name = "config-module-not-unique"
    clauses = ("A2", "A1")
    severity = Severity.ERROR

    VALID = (
        Example("one mfextinit file", {}),
        Example(
            "the `__init__` of plugins instead",
            {CONFIG: "", f"{PLUGINS}/__init__.py": CONFIG_TEXT},
        ),
        Example("an `__init__` of the organisation", {"metaflow_extensions/acme/__init__.py": "#"}),
        Example(
            "cards alone, of another organisation",
            {"metaflow_extensions/paint/plugins/cards/picture/__init__.py": "CARDS = []"},
        ),
    )
    INVALID = (
        Example("no configuration module", {CONFIG: ""}),
        Example("two of them", {f"{PLUGINS}/mfextinit_more.py": CONFIG_TEXT}),
        Example("both spellings", {f"{PLUGINS}/__init__.py": CONFIG_TEXT}),
        Example("a misspelt name", {CONFIG: "", f"{PLUGINS}/mfextinit-a.py": "X = 1"}),
        Example("a package where a namespace is needed", {f"{NAMESPACE}/__init__.py": "X = 1"}),
        Example(
            "no organisation level",
            {CONFIG: "", DEPLOYER: "", f"{NAMESPACE}/plugins/mfextinit_acme.py": CONFIG_TEXT},
        ),
    )

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        for module in project.modules:
            parts = module.path.split("/")
            if len(parts) >= 2 and parts[-2:] == [NAMESPACE, "__init__.py"]:
                verdict.fail(
                    Origin(module.path, 1, 1, 1),
                    f"`{NAMESPACE}` is a package here; Metaflow requires a namespace package, "
                    "and `import metaflow` fails",
                    f"Delete {module.path}.",
                )
            if len(parts) >= 3 and parts[-3:-1] == [NAMESPACE, "plugins"]:
                verdict.fail(
                    Origin(module.path, 1, 1, 1),
                    "plugins stand directly under `metaflow_extensions`, without an organisation",
                    f"Move them to {NAMESPACE}/<org>/plugins/.",
                )
        if not project.extensions:
            empty = "" if analysis.has_code() else " (and no code at all)"
            verdict.fail(None, f"no Metaflow extension was found here{empty}", _FIX)
        for extension in project.extensions:
            self._judge(extension, verdict, project.modules)

    def _judge(self, extension: Extension, verdict: Judge, modules: Sequence[Module]) -> None:
        configs = extension.configs
        if extension.unread:
            path = extension.unread[0]
            verdict.fail(Origin(path, 1, 1, 1), "the configuration module cannot be read", _FIX)
        elif not configs and _is_found_without(extension, modules):
            verdict.ok(Origin(extension.plugins, 1, 1, 1), "what is here needs no registration")
        elif not configs:
            verdict.fail(
                Origin(extension.plugins, 1, 1, 1),
                f"`{extension.plugins}` has no configuration module, so Metaflow sees no plugin",
                _FIX,
            )
        elif len(configs) > 1:
            for module in configs[1:]:
                verdict.fail(
                    Origin(module.path, 1, 1, 1),
                    f"a second configuration module beside {configs[0].path}; "
                    "`import metaflow` fails",
                    _FIX,
                )
        else:
            name = configs[0].path.rpartition("/")[2]
            kind = "mfextinit module" if CONFIG_NAME.match(name) else "plugins package"
            verdict.ok(Origin(configs[0].path, 1, 1, 1), f"registered by one {kind}")


def _is_found_without(extension: Extension, modules: Sequence[Module]) -> bool:
    """Whether all plugins stand in folders that Metaflow looks through by itself."""
    home = f"{extension.plugins}/"
    inside = [m.path.removeprefix(home) for m in modules if m.path.startswith(home)]
    return bool(inside) and all(p.split("/")[0] in _FOUND_WITHOUT for p in inside)
