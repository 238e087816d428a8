"""Steps whose environment has an interpreter of its own: real flows, packages of a real index."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from live_engine import OVER, Live
from scaffolded import TYPE

#: Seconds for what asks the package index, on a machine that has other things to do.
PATIENCE = 600

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * PATIENCE)]

PACKAGE, VERSION = "inflection", "0.5.1"
PROJECT = f"""
[project]
name = "flows"
version = "0.1"
requires-python = ">=3.10"
dependencies = ["{PACKAGE}=={VERSION}"]

[tool.uv]
package = false
"""


@pytest.fixture
def uv(monkeypatch: pytest.MonkeyPatch) -> str:
    """uv, found by whatever a test starts."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    program = shutil.which("uv", path=path)
    if program is None:
        pytest.skip("uv is not installed: pip install uv")
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(program).parent), os.environ["PATH"]]))
    # As pip does: the index may be behind a proxy whose certificate only this machine knows.
    monkeypatch.setenv("UV_SYSTEM_CERTS", "1")
    return program


@pytest.fixture
def installed(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    """The engine with its extension installed: Metaflow names it to uv, as not to be fetched."""
    target = tmp_path / "installed"
    shutil.copytree(live.bench.project / "metaflow_extensions", target / "metaflow_extensions")
    about = target / "metaflow_my_scheduler-0.1.0.dist-info"
    about.mkdir()
    files = [path.relative_to(target) for path in target.rglob("*.py")]
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: metaflow-my-scheduler\n")
    (about / "top_level.txt").write_text("metaflow_extensions\n")
    (about / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    live.bench = replace(live.bench, variables={"PYTHONPATH": str(target)})
    monkeypatch.setenv("PYTHONPATH", str(target))
    return live


def put(live: Live, pypi: bool = True) -> Path:
    """The flow in a folder of its own; its decorators want an environment of @pypi."""
    path = live.flow("own")
    if not pypi:
        source = path.read_text().replace(", pypi, step", ", step")
        path.write_text(re.sub(r" *@pypi\(.*\)\n", "", source))
    return path


def lock(uv: str, folder: Path) -> None:
    """Resolve the project in a folder; the test is skipped where no index can be asked."""
    words = [uv, "lock", "--quiet"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    if "Failed to fetch" in done.stderr:
        pytest.skip(f"uv reaches no package index, see UV_DEFAULT_INDEX: {done.stderr}")
    assert done.returncode == 0, done.stderr


def finished(live: Live, run_id: str) -> Any:
    """Wait for the end of a run that makes an environment."""
    deadline = time.monotonic() + PATIENCE
    while (run := live.engine.run(run_id)).status not in OVER:
        assert time.monotonic() < deadline, f"the end of {run_id}: not within {PATIENCE} s"
        time.sleep(0.2)
    return run


def said(live: Live, run_id: str) -> Any:
    """What the flow said of its interpreters, once its run has ended."""
    run = finished(live, run_id)
    assert run.status == "SUCCEEDED", run.reason
    return json.loads((live.notes(run_id) / "said").read_text())


def test_uv_runs_every_step_in_the_locked_environment_which_is_not_the_engines(
    installed: Live, uv: str
) -> None:
    live = installed
    assert importlib.util.find_spec(PACKAGE) is None, "the engine has the package by itself"
    folder = put(live, pypi=False).parent
    (folder / "pyproject.toml").write_text(PROJECT)
    lock(uv, folder)
    live.command("own", "create", top=("--environment", "uv"))

    first, second, joined = said(live, live.start("Own"))

    python = Path(first[0])
    assert python.parts[-3:-1] == (".venv", "bin")
    assert python.is_relative_to(live.bench.home)
    assert first == second == [str(python), VERSION, str(python)]
    assert joined == str(python)
    again, _, _ = said(live, live.start("Own"))
    assert again == first, "a later run makes no environment of its own"


def test_an_environment_that_cannot_be_made_fails_the_run_and_says_which(
    live: Live, uv: str
) -> None:
    folder = put(live, pypi=False).parent
    for name in ("pyproject.toml", "uv.lock"):
        (folder / name).write_text("neither is this TOML\n")
    live.command("own", "create", top=("--environment", "uv"))

    run = finished(live, live.start("Own"))

    assert run.status == "FAILED"
    assert "The environment of step start could not be made" in run.reason
    live.no_process_is_left()


def test_without_micromamba_create_says_what_is_missing_and_the_way_out(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    unreachable = programs / "curl"
    unreachable.write_text("#!/bin/sh\nexit 6\n")
    unreachable.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), "/usr/bin", "/bin"]))

    named = ("--name", "never-made")

    done = live.bench.run(put(live), "--environment", "pypi", TYPE, *named, "create")

    assert done.returncode != 0
    told = " ".join(done.stderr.split())
    assert "--environment=pypi needs micromamba" in told
    assert "METAFLOW_PATH_TO_MICROMAMBA" in told
    assert "Traceback" not in told
    assert live.engine.deployment("never-made") is None


@pytest.mark.environments
def test_pypi_runs_a_step_in_its_environment_and_the_others_in_the_engines(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shutil.which("micromamba")
    if program is None:
        standing_in = Path(__file__).with_name("standing_in_for_micromamba.py")
        script = tmp_path / "micromamba"
        words = f'"{sys.executable}" "{standing_in}" "{tmp_path / "environments"}"'
        script.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        script.chmod(0o755)
        program = str(script)
    monkeypatch.setenv("METAFLOW_PATH_TO_MICROMAMBA", program)
    flow = put(live)
    words = [sys.executable, str(flow), "--environment", "pypi", TYPE, "create"]
    variables = {**live.bench.environment, "METAFLOW_PATH_TO_MICROMAMBA": program}
    subprocess.run(words, cwd=flow.parent, env=variables, check=True, timeout=PATIENCE)

    first, second, joined = said(live, live.start("Own"))

    assert first == second
    python, version, begun_in = first
    assert (version, begun_in, joined) == (VERSION, sys.executable, sys.executable)
    assert "/envs/metaflow/" in python
