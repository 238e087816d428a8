"""The small extension that the rules' examples start from."""

from __future__ import annotations

import textwrap

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


def with_files(files: dict[str, str]) -> dict[str, str]:
    """The usual files with these in their place; an empty text removes one."""
    tree = {CONFIG: CONFIG_TEXT, DEPLOYER: DEPLOYER_TEXT}
    tree.update({path: textwrap.dedent(text) for path, text in files.items()})
    return {path: text for path, text in tree.items() if text}


def compiler(body: str) -> dict[str, str]:
    """An extension whose compiler module has this text."""
    return {COMPILER: textwrap.dedent(body)}


def objects(body: str) -> dict[str, str]:
    """An extension whose deployer objects have this text."""
    return {OBJECTS: textwrap.dedent(body)}


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


def cli(body: str) -> dict[str, str]:
    """An extension whose command line has this group, followed by these commands."""
    return {CONFIG: CLI_CONFIG, CLI: CLI_TEXT + textwrap.dedent(body)}


def cli_module(text: str) -> dict[str, str]:
    """An extension whose command line is this module, from its first line on."""
    return {CONFIG: CLI_CONFIG, CLI: textwrap.dedent(text)}


def deployer(text: str) -> dict[str, str]:
    """An extension whose deployer module is this."""
    return {DEPLOYER: textwrap.dedent(text)}


#: What examples have in common, and what therefore shows nothing.
USUAL = {CONFIG: CLI_CONFIG}
