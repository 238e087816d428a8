"""A stage that fails ends the run: one reason instead of as many reds as there are cases."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from runner_support import FAKE, ROOT, on_fake, select

from metaflow_orchestrator_kit.test.health import sdk_loaded

pytestmark = pytest.mark.slow


def altered(tmp_path: Path, old: str, new: str) -> str:
    """A PYTHONPATH with a fake scheduler whose commands differ in one place."""
    copy = tmp_path / "altered"
    shutil.copytree(FAKE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (file,) = copy.rglob("fakesched_cli.py")
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return os.pathsep.join([str(copy), str(ROOT)])


def compiling(tmp_path: Path, body: str) -> str:
    """One whose create has ``--only-json``, which does that."""
    old = "def create(obj, deployer_attribute_file, tags=None, priority=0):\n"
    new = (
        '@click.option("--only-json", is_flag=True)\n'
        "def create(obj, deployer_attribute_file=None, tags=None, priority=0, only_json=False):\n"
        f"    if only_json:\n{body}        return\n"
    )
    path = altered(tmp_path, old, new)
    (file,) = (tmp_path / "altered").rglob("fakesched_cli.py")
    head, cut, rest = file.read_text().partition('@click.option("--only-json"')
    # Click wants the decorators above the function, in whatever order.
    file.write_text(head.replace("required=True", "required=False") + cut + rest)
    return path


def test_the_doctor_says_what_is_there_and_runs_nothing(tmp_path):
    finished = on_fake("--stage", "doctor", cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    found = [line.split()[1] for line in finished.stdout.splitlines() if line.startswith("ok ")]
    assert found == ["packages", "extension", "commands", "datastore"]
    assert list(tmp_path.iterdir()) == []


def test_a_datastore_that_cannot_be_reached_is_found_before_anything_runs(tmp_path):
    finished = on_fake(
        *("--stage", "doctor"),
        cwd=tmp_path,
        METAFLOW_DEFAULT_DATASTORE="nowhere",
    )
    assert finished.returncode == 2
    assert "datastore" in finished.stderr
    assert "nowhere" in finished.stderr


def test_without_an_offline_compiler_the_stage_says_so_and_is_no_pass(tmp_path):
    finished = on_fake("--stage", "compile", cwd=tmp_path)
    assert finished.returncode == 3
    assert "compile: skipped, because create has no --only-json" in finished.stdout


def test_flows_that_compile_are_a_pass_of_that_stage(tmp_path):
    path = compiling(tmp_path, "        print('{}')\n")
    finished = on_fake(
        "--stage", "compile", "--capabilities", "LINEAR_DAG", cwd=tmp_path, PYTHONPATH=path
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "are as they should be, 0 are not" in finished.stdout


def test_a_flow_that_does_not_compile_ends_the_run_before_the_scheduler_is_asked(tmp_path):
    path = compiling(tmp_path, "        raise MetaflowException('I cannot.')\n")
    finished = on_fake(
        "--stage", "core", "--capabilities", "LINEAR_DAG", cwd=tmp_path, PYTHONPATH=path
    )
    assert finished.returncode == 1
    assert "compile: FAILED linear" in finished.stdout
    assert "I cannot." in finished.stdout
    assert not re.search(r"^capability\b", finished.stdout, re.MULTILINE)


def test_what_the_compiler_prints_besides_json_is_a_fault(tmp_path):
    path = compiling(tmp_path, "        print('Hello {}')\n")
    finished = on_fake(
        "--stage", "compile", "--capabilities", "LINEAR_DAG", cwd=tmp_path, PYTHONPATH=path
    )
    assert finished.returncode == 1
    assert "printed something else than JSON" in finished.stdout


def test_when_not_even_the_plain_flow_deploys_one_case_is_red_and_the_others_are_blocked(tmp_path):
    old = "    if any(node.parallel_step for node in obj.graph):\n"
    path = altered(tmp_path, old, f"    raise MetaflowException('No server.')\n{old}")
    cases = ("linear-runs-in-order", "linear-ids", "RETRY", "FOREACH")
    finished = on_fake(*select(*cases), cwd=tmp_path, PYTHONPATH=path)
    assert finished.returncode == 1
    assert "FAILED linear-runs-in-order" in finished.stdout
    assert "No server." in finished.stdout
    assert "0 passed, 1 failed" in finished.stdout
    assert " blocked" in finished.stdout


def test_a_stage_and_a_selection_contradict_each_other(tmp_path):
    finished = on_fake("--stage", "core", *select("RETRY"), cwd=tmp_path)
    assert finished.returncode == 2
    assert "leave out one of it and --select" in finished.stderr


def test_only_what_the_extension_alone_requires_counts_as_its_sdk():
    assert sdk_loaded(None) == []
    assert sdk_loaded("metaflow 1.0") == []
    assert sdk_loaded("no-such-distribution 1.0") == []
    assert "pluggy" in sdk_loaded("pytest 1.0")
