"""The small extension that the rules' examples start from."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping

PLUGINS = "metaflow_extensions/acme/plugins"
CONFIG = f"{PLUGINS}/mfextinit_acme.py"
DEPLOYER = f"{PLUGINS}/acme/acme_deployer.py"
OBJECTS = f"{PLUGINS}/acme/acme_objects.py"
COMPILER = f"{PLUGINS}/acme/acme_compiler.py"

CONFIG_TEXT = 'DEPLOYER_IMPL_PROVIDERS_DESC = [("acme", ".acme.acme_deployer.AcmeDeployer")]\n'
DEPLOYER_TEXT = """\
from metaflow.runner.deployer_impl import DeployerImpl

class AcmeDeployer(DeployerImpl):
    TYPE = "acme"
"""


class _Later(Mapping[str, str]):
    """Files that are put together when somebody looks: a run of the rules never does."""

    def __init__(self, make: Callable[[], dict[str, str]]) -> None:
        self._make = make
        self._made: dict[str, str] | None = None

    def _files(self) -> dict[str, str]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, path: str) -> str:
        return self._files()[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files())

    def __len__(self) -> int:
        return len(self._files())


def with_files(files: Mapping[str, str]) -> Mapping[str, str]:
    """The usual files with these in their place; an empty text removes one."""

    def made() -> dict[str, str]:
        tree = {CONFIG: CONFIG_TEXT, DEPLOYER: DEPLOYER_TEXT}
        tree.update({path: textwrap.dedent(text) for path, text in files.items()})
        return {path: text for path, text in tree.items() if text}

    return _Later(made)


def _module(path: str, body: str) -> Mapping[str, str]:
    return _Later(lambda: {path: textwrap.dedent(body)})


def compiler(body: str) -> Mapping[str, str]:
    """An extension whose compiler module has this text."""
    return _module(COMPILER, body)


def objects(body: str) -> Mapping[str, str]:
    """An extension whose deployer objects have this text."""
    return _module(OBJECTS, body)


CLI = f"{PLUGINS}/acme/acme_cli.py"
CLI_CONFIG = f'CLIS_DESC = [("acme", ".acme.acme_cli.cli")]\n{CONFIG_TEXT}'
CLI_TEXT = """\
from metaflow import parameters
from metaflow._vendor import click

@click.group()
def cli():
    pass

@cli.group(help="Commands of Acme.")
@click.option("--name", default=None)
@click.pass_obj
def acme(obj, name=None):
    obj.check(obj.graph, obj.flow, obj.environment, pylint=obj.pylint)

"""


def cli(body: str) -> Mapping[str, str]:
    """An extension whose command line has this group, followed by these commands."""
    return _Later(lambda: {CONFIG: CLI_CONFIG, CLI: CLI_TEXT + textwrap.dedent(body)})


def cli_module(text: str) -> Mapping[str, str]:
    """An extension whose command line is this module, from its first line on."""
    return _Later(lambda: {CONFIG: CLI_CONFIG, CLI: textwrap.dedent(text)})


def deployer(text: str) -> Mapping[str, str]:
    """An extension whose deployer module is this."""
    return _module(DEPLOYER, text)


#: What examples have in common, and what therefore shows nothing.
USUAL = {CONFIG: CLI_CONFIG}
