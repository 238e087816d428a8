"""The wheel of a generated project: found by Metaflow, complete, and nothing else in it."""

import csv
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.scaffold import names, render, write

pytestmark = pytest.mark.slow


def run(arguments: Sequence[str], folder: Path) -> str:
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "METAFLOW_USER": "tester",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
    }
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def project() -> render.Project:
    return render.project(render.Answers(names.parse("probed-scheduler")))


@pytest.fixture(scope="module")
def wheel(project: render.Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extension")
    write.write(write.plan(project, folder / "project", force=False))
    package = folder / "project" / project.engine_file.parent
    # What authors put beside their modules, and what Python does.
    (package / "data" / "deep").mkdir(parents=True)
    (package / "data" / "deep" / "workflow.yaml.tmpl").write_text("a template of the scheduler's")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "plan.cpython-310.pyc").write_bytes(b"")
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder)]
    run([*build, str(folder / "project")], folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_the_record_has_every_module_the_data_and_nothing_else(
    wheel: Path, project: render.Project
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (record,) = [name for name in archive.namelist() if name.endswith(".dist-info/RECORD")]
        lines = archive.read(record).decode().splitlines()
    listed = {row[0] for row in csv.reader(lines) if ".dist-info/" not in row[0]}

    modules = {str(file.path) for file in project.files if file.path.parts[0] != "tests"}
    modules = {path for path in modules if path.startswith("metaflow_extensions/")}
    data = str(project.engine_file.parent / "data" / "deep" / "workflow.yaml.tmpl")
    assert listed == modules | {data}
    assert "metaflow_extensions/__init__.py" not in listed


def test_the_top_level_is_what_metaflow_looks_for(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/top_level.txt")]
        assert archive.read(name).decode().split() == ["metaflow_extensions"]


@pytest.fixture(scope="module")
def python(wheel: Path) -> str:
    """An interpreter that has the wheel installed, and lent to it what the tests run on."""
    venv = wheel.parent / "venv"
    python = str(venv / "bin" / "python")
    run([sys.executable, "-m", "venv", "--without-pip", str(venv)], wheel.parent)
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps"]
    run([*pip, str(wheel)], wheel.parent)
    (site,) = venv.glob("lib/python*/site-packages")
    folders = [folder for folder in sys.path if folder.endswith("-packages")]
    (site / "lent.pth").write_text("\n".join(folders) + "\n")
    return python


def test_metaflow_finds_the_installed_wheel(python: str, tmp_path: Path) -> None:
    code = 'from metaflow import Deployer; print(Deployer("flow.py").probed_scheduler.__name__)'
    assert run([python, "-c", code], tmp_path) == "probed_scheduler\n"


def test_the_tests_of_the_project_pass(python: str, wheel: Path, tmp_path: Path) -> None:
    tests = wheel.parent / "project" / "tests"
    # What is lent may name the kit's plugin where the kit itself, installed in place, is not.
    plugins = ("-p", "no:cacheprovider", "-p", "no:metaflow_orchestrator_kit")
    said = run([python, "-m", "pytest", "-q", *plugins, str(tests)], tmp_path)
    assert "4 passed" in said
