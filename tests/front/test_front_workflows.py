"""The workflows, the action and the pre-commit hook of this repository."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / "action.yml"


def program(name: str) -> str:
    """A linter: the one beside this interpreter, else one on the path; without it, skip."""
    beside = Path(sys.executable).parent
    found = shutil.which(name, path=str(beside)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def check(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_has_nothing_to_say_about_the_workflows() -> None:
    check(program("actionlint"), *map(str, WORKFLOWS))


def test_zizmor_has_nothing_to_say_about_the_workflows_and_the_action() -> None:
    check(program("zizmor"), "--offline", "--no-progress", *map(str, [*WORKFLOWS, ACTION]))


@pytest.mark.parametrize("file", [*WORKFLOWS, ACTION], ids=lambda file: file.name)
def test_every_action_of_somebody_else_is_pinned_to_a_commit(file: Path) -> None:
    for action in re.findall(r"uses: (.+)", file.read_text()):
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_job_may_read_the_code_and_no_more(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text())
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        assert job["timeout-minutes"] <= 30


def test_the_matrix_has_both_ends_of_what_pyproject_promises() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    matrix = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    tested = matrix["jobs"]["matrix"]["strategy"]["matrix"]

    assert tested["python"] == re.findall(
        r'"Programming Language :: Python :: (3\.\d+)"', pyproject
    )
    floor = re.search(r'"metaflow>=([\d.]+)"', pyproject)
    assert floor is not None
    assert tested["metaflow"] == [f"metaflow=={floor[1]}", "metaflow"]


def test_the_pre_commit_hook_runs_the_validator_on_a_project(tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert f'{hook["entry"]} = "' in (ROOT / "pyproject.toml").read_text()
    assert hook["pass_filenames"] is False
    module = "metaflow_orchestrator_kit.validate"
    # In a folder that is no extension, it says so; that the folder is taken is what counts.
    done = subprocess.run(
        [sys.executable, "-m", module, *hook["args"], "--list-rules"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "MOK001" in done.stdout
