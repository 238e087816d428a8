"""The steps of the composite action, run as a job runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "action" / "run.py"
FAKE = ROOT / "tests" / "support" / "fakesched"
ANNOTATION = re.compile(r"^::(error|warning|notice)(?: (.*?))?::(.*)$", re.MULTILINE)


def step(name: str, workspace: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run one step in a workspace, with the inputs as the action hands them over."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
    return subprocess.run(
        [sys.executable, str(SCRIPT), name],
        cwd=workspace,
        env={
            **kept,
            "PYTHONPATH": os.pathsep.join([str(FAKE), str(ROOT)]),
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_STEP_SUMMARY": str(workspace / "summary.md"),
            **{f"MOK_{key}": value for key, value in inputs.items()},
        },
        capture_output=True,
        text=True,
        timeout=280,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout with an extension in the folder `ours`."""
    scaffold = [sys.executable, "-m", "metaflow_orchestrator_kit.scaffold", "nomad2", "ours"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(scaffold, cwd=tmp_path, env=environment, check=True, capture_output=True)
    return tmp_path


def test_code_that_keeps_the_contract_gives_a_table_and_no_annotation(workspace: Path) -> None:
    done = step("validate", workspace, DIRECTORY="ours")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Results: " in done.stdout
    assert not ANNOTATION.findall(done.stdout)
    summary = (workspace / "summary.md").read_text()
    assert "| MOK006 | retry-count-constant | H1 | pass |" in summary
    assert "0 failed" in summary


def test_a_broken_clause_is_annotated_at_its_file_and_line(workspace: Path) -> None:
    (path,) = (workspace / "ours").rglob("mfextinit_*.py")
    broken = path.read_text().replace("DEPLOYER_IMPL_PROVIDERS_DESC = [", "SOMETHING_DESC = [")
    path.write_text(broken)

    done = step("validate", workspace, DIRECTORY="ours")

    assert done.returncode == 1, done.stdout + done.stderr
    annotations = ANNOTATION.findall(done.stdout)
    (level, properties, message) = next(one for one in annotations if "MOK002" in one[1])
    assert level == "error"
    fields = dict(pair.split("=", 1) for pair in properties.split(","))
    assert (workspace / fields["file"]).exists()
    assert int(fields["line"]) >= 1
    assert "A5" in fields["title"]
    assert "Fix: " in message
    assert "| fail |" in (workspace / "summary.md").read_text()


def test_a_folder_that_is_not_there_fails_with_an_annotation(tmp_path: Path) -> None:
    done = step("validate", tmp_path, DIRECTORY="nowhere")

    assert done.returncode == 2
    assert "There is no directory 'nowhere'" in done.stderr
    assert ANNOTATION.findall(done.stdout)


def test_a_set_up_that_cannot_run_flows_is_an_annotation_and_no_pass(tmp_path: Path) -> None:
    done = step("test", tmp_path, REPORT_DIR="report")

    assert done.returncode == 2
    (annotation,) = ANNOTATION.findall(done.stdout)
    assert "No flow was run" in annotation[2]


def test_inputs_are_data_and_never_options_or_commands(tmp_path: Path) -> None:
    done = step("test", tmp_path, SCHEDULER_TYPE="--list; touch escaped", REPORT_DIR="report")

    assert done.returncode == 2
    assert "--list; touch escaped" in done.stdout + done.stderr
    assert not (tmp_path / "escaped").exists()


@pytest.mark.slow
def test_flows_give_a_table_and_a_failed_case_an_annotation(tmp_path: Path) -> None:
    done = step(
        "test",
        tmp_path,
        SCHEDULER_TYPE="fakesched",
        SELECT="linear-runs-in-order, linear-ids",
        REPORT_DIR="report",
        WORKERS="2",
    )

    assert done.returncode == 1, done.stdout + done.stderr
    (annotation,) = ANNOTATION.findall(done.stdout)
    assert annotation[0] == "error"
    assert "linear-ids" in annotation[1]
    assert "%0A" in annotation[2]
    assert "| LINEAR_DAG | required | failed |" in (tmp_path / "summary.md").read_text()
    assert (tmp_path / "report" / "report.json").exists()


def test_an_unknown_step_is_refused(tmp_path: Path) -> None:
    done = step("deploy", tmp_path)
    assert done.returncode == 2
    assert "install|validate|test" in done.stderr


def test_the_action_hands_its_inputs_over_as_variables_only() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    steps = action["runs"]["steps"]
    assert [one["run"].split()[-1] for one in steps] == ["install", "validate", "test"]
    handed = set()
    for one in steps:
        assert "${{" not in one["run"], "an input in a command is run as code"
        handed |= set(one.get("env", {}))
    read = {name for name in re.findall(r"MOK_[A-Z_]+", SCRIPT.read_text()) if name != "MOK_"}
    options = re.search(r'for name in \("scheduler-type".*?\)', SCRIPT.read_text())
    assert options is not None
    named = re.findall(r'"([a-z-]+)"', options[0])
    read |= {f"MOK_{name.upper().replace('-', '_')}" for name in named}
    assert handed == read
