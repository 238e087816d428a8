"""What an extension registers, imports, requires and offers as commands, in its odd forms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.validate.clicks import commands
from metaflow_orchestrator_kit.validate.findings import Outcome, Verdict
from metaflow_orchestrator_kit.validate.packaging import read_packaging
from metaflow_orchestrator_kit.validate.project import load
from metaflow_orchestrator_kit.validate.rules.examples import (
    CLI,
    CLI_TEXT,
    DEPLOYER,
    DEPLOYER_TEXT,
    PLUGINS,
    cli,
)
from metaflow_orchestrator_kit.validate.runner import validate

Write = Callable[..., Path]


def _outcome(directory: Path, code: str) -> Outcome:
    return {o.code: o for o in validate(directory).outcomes}[code]


def test_the_schedulers_sdk_is_not_taken_for_the_package_of_the_same_name(write: Write) -> None:
    files = {
        DEPLOYER: f"from acme import Client\n{DEPLOYER_TEXT}",
        f"{PLUGINS}/acme/__init__.py": "",
    }
    outcome = _outcome(write(files), "MOK106")
    assert outcome.verdict is Verdict.FAIL
    assert "`acme`" in outcome.findings[0].message


def test_relative_imports_are_followed_from_the_plugins_folder_alone(write: Write) -> None:
    files = {
        DEPLOYER: f"from .acme_sdk import Client\n{DEPLOYER_TEXT}",
        f"{PLUGINS}/acme/acme_sdk.py": "from acmelib import Client\n",
    }
    outcome = _outcome(write(files) / PLUGINS, "MOK106")
    assert [f.path for f in outcome.findings] == ["acme/acme_sdk.py"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("setup.cfg", "[options]\ninstall_requires =\n    requests\n    metaflow>=2.10\n"),
        ("setup.py", "from setuptools import setup\nsetup(install_requires=['metaflow>=2.10'])\n"),
        ("pyproject.toml", "[tool.poetry.dependencies]\npython = '^3.9'\nmetaflow = '^2.10'\n"),
        (
            "pyproject.toml",
            '[project]\ndependencies = [\n  # "metaflow>=3"\n  "metaflow>=2.10",\n]\n',
        ),
    ],
)
def test_the_requirement_of_metaflow_is_read_wherever_it_stands(
    write: Write, name: str, text: str
) -> None:
    packaging = read_packaging(load(write({name: text})))
    assert packaging is not None
    assert packaging.requires is not None
    found = [line.value for line in packaging.requires if line.value.startswith("metaflow")]
    assert [value.replace(" ", "") for value in found] == ["metaflow>=2.10"]


def test_computed_requirements_are_unsure(write: Write) -> None:
    text = '[project]\nname = "x"\ndynamic = ["dependencies"]\n'
    assert _outcome(write({"pyproject.toml": text}), "MOK103").verdict is Verdict.UNSURE


def test_options_of_a_shared_decorator_belong_to_the_command(write: Write) -> None:
    shared = (
        "def shared(f):\n    for add in (click.option('--tag', 'tags', multiple=True),):\n"
        "        f = add(f)\n    return f\n\n@acme.command()\n@shared\ndef create(tags): ...\n"
    )
    (create,) = [c for c in commands(load(write(cli(shared)))) if c.name == "create"]
    assert [p.dest for p in create.parameters] == ["tags"]
    assert not create.open


def test_a_decorator_from_elsewhere_leaves_the_signature_unsure(write: Write) -> None:
    text = (
        "from other import shared\n"
        + CLI_TEXT
        + "@acme.command()\n@shared\ndef create(tags): ...\n"
    )
    outcome = _outcome(write({**cli(""), CLI: text}), "MOK139")
    assert outcome.verdict is Verdict.UNSURE


def test_a_group_that_is_no_schedulers_is_left_alone(write: Write) -> None:
    text = CLI_TEXT.replace("def acme", "def images").replace(
        "    obj.check(obj.graph, obj.flow, obj.environment, pylint=obj.pylint)\n", "    pass\n"
    )
    text += "@images.command()\n@click.pass_obj\ndef create(obj): ...\n"
    root = write({**cli(""), CLI: text})
    for code in ("MOK128", "MOK130", "MOK132"):
        assert _outcome(root, code).verdict is Verdict.NOT_APPLICABLE
