"""What the kit's own wheel and sdist hold, and what importing the kit costs."""

import configparser
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DATA = "metaflow_orchestrator_kit/_data"


def run(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), "."], ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (wheel,) = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def in_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def in_sdist(dist: Path) -> set[str]:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def shipped(folder: str) -> set[str]:
    """The files of a data folder of the checkout, hidden ones included."""
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert found
    return found


@pytest.mark.parametrize("folder", ["templates", "compliance_flows"])
def test_the_data_folders_are_whole_in_wheel_and_sdist(
    folder: str, in_wheel: set[str], in_sdist: set[str]
) -> None:
    files = shipped(folder)
    assert {f"{DATA}/{file}" for file in files} - in_wheel == set()
    assert files - in_sdist == set()


def test_hidden_templates_are_in_the_wheel(in_wheel: set[str]) -> None:
    extension = f"{DATA}/templates/extension"
    assert f"{extension}/.gitignore.j2" in in_wheel
    assert f"{extension}/.github/workflows/ux-tests-__type__.yml.j2" in in_wheel


def test_the_wheel_has_one_package_and_no_tests(in_wheel: set[str]) -> None:
    tops = {name.partition("/")[0] for name in in_wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"metaflow_orchestrator_kit"}
    assert "metaflow_orchestrator_kit/py.typed" in in_wheel
    assert not [name for name in in_wheel if name.endswith((".pyc", ".log"))]


def test_every_console_script_has_its_module(wheel: Path, in_wheel: set[str]) -> None:
    scripts = configparser.ConfigParser()
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in in_wheel if name.endswith("entry_points.txt")]
        scripts.read_string(archive.read(name).decode())

    assert set(scripts["console_scripts"]) == {
        "metaflow-orchestrator-scaffold",
        "metaflow-orchestrator-test",
        "metaflow-orchestrator-validate",
    }
    for target in (*scripts["console_scripts"].values(), *scripts["pytest11"].values()):
        module = target.partition(":")[0].replace(".", "/") + ".py"
        assert module in in_wheel


def test_naming_a_capability_imports_neither_metaflow_nor_pytest() -> None:
    code = (
        "import sys\n"
        "from metaflow_orchestrator_kit import OPTIONAL, REQUIRED, Cap\n"
        "heavy = {'metaflow', 'pytest', '_pytest', 'jinja2', 'yaml', 'click'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert run([sys.executable, "-c", code], ROOT).stdout == "[]\n"


@pytest.mark.slow
def test_an_installed_wheel_scaffolds_what_a_checkout_does(wheel: Path, tmp_path: Path) -> None:
    run([sys.executable, "-m", "venv", "--without-pip", "venv"], tmp_path)
    python = str(tmp_path / "venv" / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps"]
    run([*pip, str(wheel)], tmp_path)
    lend_dependencies(tmp_path / "venv")

    command = [str(tmp_path / "venv" / "bin" / "metaflow-orchestrator-scaffold"), "my-scheduler"]
    run([*command, "installed"], tmp_path)
    module = [sys.executable, "-m", "metaflow_orchestrator_kit.scaffold", "my-scheduler"]
    run([*module, str(tmp_path / "checkout")], ROOT)

    assert contents(tmp_path / "installed") == contents(tmp_path / "checkout")


def lend_dependencies(venv: Path) -> None:
    """Let a new environment see what this one has installed, without the network."""
    (site,) = venv.glob("lib/python*/site-packages")
    folders = [folder for folder in sys.path if folder.endswith("-packages")]
    (site / "lent.pth").write_text("\n".join(folders) + "\n")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
