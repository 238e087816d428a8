from __future__ import annotations

from metaflow_orchestrator_kit.validate import clicks, plugins
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import ClassInfo
from metaflow_orchestrator_kit.validate.plugins import Entry
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import (
    CLI,
    CLI_CONFIG,
    CONFIG,
    CONFIG_TEXT,
    cli,
    cli_module,
)

_ATTRIBUTE = {
    plugins.STEP_DECORATORS: "name",
    plugins.FLOW_DECORATORS: "name",
    plugins.ENVIRONMENTS: "TYPE",
}
_FIX = "Give the entry, the class or group, and the deployer's TYPE one and the same name."
_DECORATOR = "metaflow_extensions/acme/plugins/acme/acme_decorator.py"
_DECORATED = f'{CONFIG_TEXT}STEP_DECORATORS_DESC = [("acme_in", ".acme.acme_decorator.Internal")]\n'


class PluginNameMismatch(Rule):
    """A plugin is registered under another name than it gives itself, or is not there.

    Metaflow compares the two: `expected to be named 'x' but got 'y'`, at `import metaflow` for a
    decorator, at the first use of the command line for a click group. (A group without `name=` is
    called after its function, with hyphens for underscores.) A deployer calls the group by its
    own TYPE: without a group of that name `create()` raises AttributeError.

    Use one name everywhere, and check the path of the entry.
    """

    code = "MOK104"
    name = "plugin-name-mismatch"
    clauses = ("A5",)
    severity = Severity.ERROR

    VALID = (
        Example("one name", cli("")),
        Example("a name given to the group", {
            **cli_module("""\
            from metaflow._vendor import click
            NAME = "acme"
            @click.group()
            def cli(): ...
            @cli.group(name=NAME)
            def commands(): ...
            """)}),
        Example("a decorator", {
            CONFIG: _DECORATED, _DECORATOR: "class Internal:\n    name = 'acme_in'\n"}),
    )  # fmt: skip
    INVALID = (
        Example("the function's name has hyphens", {
            CONFIG: CONFIG_TEXT.replace('"acme"', '"ac_me"')
            + 'CLIS_DESC = [("ac_me", ".acme.acme_cli.cli")]\n',
            CLI: "from metaflow._vendor import click\n@click.group()\ndef cli(): ...\n"
            "@cli.group()  # <-- here\ndef ac_me(): ...\n"}),
        Example("no such module", {
            CONFIG: CLI_CONFIG.replace("acme_cli.cli\")]", "acme_click.cli\")]  # <-- here")}),
        Example("a decorator of another name", {
            CONFIG: _DECORATED, _DECORATOR: "class Internal:  # <-- here\n    name = 'acme'\n"}),
        Example("no group for the deployer", {
            **cli(""),
            CONFIG: CLI_CONFIG.replace('IDERS_DESC = [("acme"', 'IDERS_DESC = [("acne"')
            .replace("AcmeDeployer\")]", "AcmeDeployer\")]  # <-- here")}),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        found = [e for e in plugins.entries(project) if e.category != plugins.DEPLOYERS]
        groups = clicks.commands(project)
        judged = False
        for entry in found:
            if entry.home is None:
                judged |= self._missing(entry, verdict)
            elif entry.category in _ATTRIBUTE:
                judged = True
                self._class(analysis, entry, verdict)
            elif entry.category == plugins.CLIS:
                judged = True
                self._group(entry, groups, verdict)
        names = {e.name for e in found if e.category == plugins.CLIS}
        for deployer in plugins.entries(project, plugins.DEPLOYERS):
            if names and not deployer.outside and deployer.name not in names:
                verdict.fail(
                    deployer.origin,
                    f"the deployer `{deployer.name}` has no command line of that name: "
                    f"{plugins.CLIS} lists {', '.join(sorted(names))}",
                    _FIX,
                )
        if not judged and not verdict.findings:
            verdict.not_applicable("no command line or decorator is registered here")

    def _missing(self, entry: Entry, verdict: Judge) -> bool:
        """An entry whose module is not there; one of another distribution is left alone."""
        if entry.outside or not entry.path.startswith("."):
            return False
        verdict.fail(
            entry.origin, f"`{entry.path}` names a module that does not exist",
            "Write the path relative to the plugins package: `.<package>.<module>.<name>`.",
        )  # fmt: skip
        return True

    def _class(self, analysis: Analysis, entry: Entry, verdict: Judge) -> None:
        assert entry.home is not None
        cls: ClassInfo | None = analysis.project.resolve_class(entry.attribute, entry.home)
        if cls is None:
            verdict.unsure(entry.origin, f"`{entry.attribute}` was not found in its module")
            return
        attribute = _ATTRIBUTE[entry.category]
        given = plugins.class_attribute(analysis.project, cls, attribute)
        literal = clicks.constant_string(analysis.project, given, cls.module) if given else None
        where = plugins.header_of(cls.module, cls.node)
        if literal == entry.name:
            verdict.ok(where, f"`{cls.name}` is called `{entry.name}`, as it is registered")
        elif literal is not None:
            verdict.fail(
                where,
                f"`{cls.name}.{attribute}` is {literal!r}, registered as {entry.name!r}",
                _FIX,
            )
        else:
            verdict.unsure(where, f"`{cls.name}.{attribute}` is computed, or set elsewhere")

    def _group(self, entry: Entry, groups: list[clicks.Command], verdict: Judge) -> None:
        assert entry.home is not None
        exported = [g for g in groups if g.is_group and g.node.name == entry.attribute]
        here = [g for g in exported if g.module is entry.home] or exported
        below = [g for g in groups if here and g.parent is here[0]]
        if not below:
            verdict.unsure(entry.origin, f"the commands of `{entry.attribute}` were not found")
        elif len(below) == 1 and below[0].name is not None and below[0].name != entry.name:
            verdict.fail(
                below[0].origin,
                f"the group is called {below[0].name!r}, registered as {entry.name!r}",
                f'Name it: @{entry.attribute}.group(name="{entry.name}").',
            )
        elif len(below) == 1 and below[0].name is None:
            verdict.unsure(below[0].origin, "the group's name is computed")
        else:
            verdict.ok(below[0].origin, f"the group is called `{entry.name}`, as registered")
