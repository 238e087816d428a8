"""The command, as a user meets it."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from metaflow_orchestrator_kit import __version__
from metaflow_orchestrator_kit.scaffold.cli import main

ROOT = Path(__file__).parents[2]
LISTING = Path(__file__).parent / "golden" / "my_scheduler.txt"


@pytest.fixture
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(home)
    return home


def scaffold(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def test_the_project_is_written_to_a_folder_of_its_name(here: Path) -> None:
    result = scaffold("my_scheduler")

    assert result.exit_code == 0
    assert [path.name for path in here.iterdir()] == ["my_scheduler"]
    assert (here / "my_scheduler" / "pyproject.toml").is_file()


def test_a_folder_can_be_named(here: Path) -> None:
    assert scaffold("my-scheduler", "some/where").exit_code == 0
    assert (here / "some" / "where" / "pyproject.toml").is_file()


def test_it_says_what_it_wrote_what_to_edit_and_what_to_do_next(here: Path) -> None:
    output = scaffold("my-scheduler").output

    written = [path for path in (here / "my-scheduler").rglob("*") if path.is_file()]
    assert output.startswith(f"Wrote {len(written)} files to my-scheduler\n")
    for path in written:
        assert path.name in output
    assert "my_scheduler_engine.py  " in output
    assert "<- the file to edit" in output
    assert "TODO: SCHEDULER API" in output
    assert output.splitlines()[-3:] == [
        "  pip install -e ./my-scheduler                             # Metaflow then knows it",
        "  metaflow-orchestrator-validate my-scheduler               # reads the code",
        "  metaflow-orchestrator-test --scheduler-type my-scheduler  # runs flows on it",
    ]


def test_commands_for_a_folder_with_a_blank_can_be_pasted(here: Path) -> None:
    output = scaffold("x", "my project").output
    assert "pip install -e './my project' " in output
    assert "metaflow-orchestrator-validate 'my project' " in output


def test_a_dry_run_lists_the_files_and_writes_nothing(here: Path) -> None:
    result = scaffold("my_scheduler", "--dry-run")

    assert result.exit_code == 0
    assert list(here.iterdir()) == []
    assert result.output == LISTING.read_text(), (
        "What is generated has changed. If it should have:\n"
        "python -m metaflow_orchestrator_kit.scaffold my_scheduler --dry-run "
        f"> {LISTING.relative_to(ROOT)}"
    )


def test_a_dry_run_refuses_what_a_real_one_refuses(here: Path) -> None:
    (here / "x").mkdir()
    (here / "x" / "notes.txt").write_text("mine")

    result = scaffold("x", "--dry-run")

    assert result.exit_code == 2
    assert "not empty" in result.output


def test_force_says_what_it_replaced_and_what_it_kept(here: Path) -> None:
    scaffold("x")
    (here / "x" / "notes.txt").write_text("mine")
    (here / "x" / "README.md").write_text("edited")

    result = scaffold("x", "--force")

    assert result.exit_code == 0
    assert result.output.startswith("Wrote 1 file to x (1 replaced, ")
    assert "\nKept: notes.txt\n" in result.output
    assert (here / "x" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([""], "it is empty"),
        (["../evil"], "it is a path"),
        (["a/b"], "it is a path"),
        (["123abc"], "begin with a letter"),
        (["class"], "Python keyword"),
        (["My Scheduler"], "upper-case"),
        (["it's"], "is not a letter"),
        (["schédule"], "not an ASCII character"),
        (["argo-workflows"], "plugin of that name"),
        (["x" * 41], "41 characters"),
        (["x", ""], "DIR is empty"),
        (["x", "--engine", "cron"], "no engine 'cron'. Engines: embedded"),
        ([], "Missing argument 'NAME'"),
        (["x", "y", "z"], "unexpected extra argument"),
    ],
)
def test_bad_input_is_one_error_and_nothing_is_written(
    here: Path, arguments: list[str], message: str
) -> None:
    result = scaffold(*arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("Error: ") == 1
    assert result.stdout == ""
    assert list(here.iterdir()) == []


def test_the_version_is_the_kits(here: Path) -> None:
    assert __version__ in scaffold("--version").output


def as_module(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "metaflow_orchestrator_kit.scaffold", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_runs_as_a_module_and_from_any_folder(home: Path) -> None:
    done = as_module(home, "x")
    assert done.returncode == 0, done.stderr
    assert (home / "x" / "pyproject.toml").is_file()


def test_output_that_is_not_a_terminal_has_no_colours(home: Path) -> None:
    assert "\x1b" not in as_module(home, "x").stdout
    assert "\x1b" not in as_module(home, "class").stderr


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_a_terminal_has_colours_unless_no_color_is_set(
    home: Path, no_color: str, coloured: bool
) -> None:
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "metaflow_orchestrator_kit.scaffold", "class"],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": no_color},
        stderr=theirs,
        timeout=60,
    )
    os.close(theirs)
    seen = os.read(ours, 4096).decode()
    os.close(ours)

    assert "Error: " in seen
    assert ("\x1b" in seen) is coloured


def test_an_error_is_no_traceback(home: Path) -> None:
    done = as_module(home, "class")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: 'class' cannot be")
    assert "Traceback" not in done.stderr


def test_it_needs_neither_metaflow_nor_pytest(home: Path) -> None:
    code = (
        "import sys; from metaflow_orchestrator_kit.scaffold.cli import main\n"
        "main(['x'], standalone_mode=False)\n"
        "print({'metaflow', 'pytest', 'yaml'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == "set()\n"
