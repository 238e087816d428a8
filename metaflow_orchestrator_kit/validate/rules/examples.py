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
