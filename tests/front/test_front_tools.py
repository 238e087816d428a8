"""The tools behind the Makefile: interpreters, environments, lanes."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "tools"
CHECK = TOOLS / "check-python.sh"


@pytest.fixture
def matrix(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("matrix")


def checked(python: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **({} if path is None else {"PATH": path})}
    command = ["/bin/sh", str(CHECK), python]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def fake(folder: Path, name: str, script: str) -> str:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(file)


def test_an_interpreter_that_will_do_is_taken_without_a_word() -> None:
    done = checked(sys.executable)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_interpreter_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = checked(str(tmp_path / "python9"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "python9' is not an interpreter that runs" in done.stderr


def test_an_interpreter_that_is_only_announced_does_not_count(tmp_path: Path) -> None:
    shim = fake(tmp_path, "python3.12", "echo 'command not found' >&2; exit 127")
    good = fake(tmp_path, "python3.11", f'exec "{sys.executable}" "$@"')
    done = checked(shim, path=str(tmp_path))
    assert done.returncode == 2
    assert f"Try: make PYTHON={Path(good).name}" in done.stderr


def test_an_interpreter_that_is_too_old_is_one_line(tmp_path: Path) -> None:
    script = 'case "$1 $2" in "-V "*) echo Python 3.8.20;; *version_info*) exit 1;; esac'
    done = checked(fake(tmp_path, "python3", script), path=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "is Python 3.8.20; Python 3.10 or newer is needed" in done.stderr


def test_an_interpreter_without_venv_is_one_line(tmp_path: Path) -> None:
    script = 'case "$2" in *ensurepip*) exit 1;; esac'
    done = checked(fake(tmp_path, "python3", script), path=str(tmp_path))
    assert done.returncode == 2
    assert "cannot make virtual environments" in done.stderr


def test_the_lanes_are_both_ends_of_what_pyproject_promises(matrix: ModuleType) -> None:
    oldest, newest = matrix.lanes((ROOT / "pyproject.toml").read_text())
    assert oldest == matrix.Lane("oldest", "3.10", "metaflow==2.19.23")
    assert newest == matrix.Lane("newest", "3.13", "metaflow")


def test_an_interpreter_is_found_by_running_it(matrix: ModuleType) -> None:
    version = "{}.{}".format(*sys.version_info)
    assert matrix.interpreter(version) is not None
    assert matrix.interpreter("3.99") is None


def test_make_alone_says_what_there_is_to_make() -> None:
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    for target in ("demo", "test", "lint", "bench", "clean"):
        assert f"make {target} " in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.slow
def test_an_environment_is_made_once_and_kept(tmp_path: Path) -> None:
    first, second = (
        subprocess.run(
            [sys.executable, str(TOOLS / "environment.py"), str(tmp_path / "venv"), "setuptools"],
            capture_output=True,
            text=True,
            timeout=240,
        )
        for _ in range(2)
    )
    assert first.returncode == 0, first.stdout + first.stderr
    assert "installing" in first.stdout
    assert second.stdout.strip().endswith("is ready")
