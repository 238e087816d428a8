"""What cannot be run is refused in a sentence, with exit code 2, before anything is started."""

from __future__ import annotations

import pytest
from runner_support import environment, on_fake, run

pytestmark = pytest.mark.slow


def refused(finished, *parts: str) -> None:
    assert finished.returncode == 2, finished.stdout + finished.stderr
    assert "\nTraceback" not in "\n" + finished.stderr  # Metaflow's own is quoted, indented
    for part in parts:
        assert part in finished.stderr


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "--scheduler-type NAME or --config FILE"),
        (["--scheduler-type", "x", "--deploy-args", "a"], "'a' is not of the form key=value"),
        (["--scheduler-type", "x", "--capabilities", "FLYING"], "Unknown capability 'FLYING'"),
        (["--scheduler-type", "x", "--capabilities", ","], "needs at least one name"),
        (["--config", "none.yaml"], "none.yaml: cannot be read"),
        (["--scheduler-type", "x", "--workers", "0"], "--workers"),
    ],
)
def test_a_wrong_command_line_is_refused(tmp_path, arguments, part):
    refused(run(*arguments, cwd=tmp_path), part)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--update-known-failures"], "needs --known-failures FILE"),
        (["--known-failures", "none.yaml"], "none.yaml: cannot be read"),
        (
            ["--known-failures", "a.yaml", "--update-known-failures", "--select", "RETRY"],
            "needs a whole run",
        ),
        (["--known-failures", "a.yaml", "--update-known-failures", "--", "-x"], "a whole run"),
        (["--known-failures", "bad.yaml"], "bad.yaml:1: 'a' has no reason"),
    ],
)
def test_a_list_of_known_failures_that_cannot_be_used_is_refused(tmp_path, arguments, part):
    (tmp_path / "bad.yaml").write_text("- {case: a, message: m}\n")
    refused(run("--scheduler-type", "fakesched", *arguments, cwd=tmp_path), part)
    assert [one.name for one in tmp_path.iterdir()] == ["bad.yaml"]


def test_a_missing_extra_is_named_with_the_command_that_installs_it(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['xdist'] = None\n")
    path = f"{tmp_path}:{environment()['PYTHONPATH']}"
    finished = run("--scheduler-type", "fakesched", cwd=tmp_path, PYTHONPATH=path)
    refused(finished, "pytest-xdist must be", "pip install 'metaflow-orchestrator-kit[test]'")


def test_a_missing_extension_is_named_with_those_that_there_are(tmp_path):
    finished = run("--scheduler-type", "my-sched", cwd=tmp_path)
    refused(
        finished, "Deployer(...).my_sched() does not exist", "fakesched", "pip install -e path/to"
    )


def test_an_extension_that_breaks_metaflow_is_told_from_a_missing_one(tmp_path):
    package = tmp_path / "metaflow_extensions"
    package.mkdir()
    (package / "__init__.py").touch()
    path = f"{tmp_path}:{environment()['PYTHONPATH']}"
    finished = run("--scheduler-type", "fakesched", cwd=tmp_path, PYTHONPATH=path)
    refused(finished, "'import metaflow' fails", "clauses A1")


def test_an_extension_whose_command_group_does_not_load_is_refused(tmp_path):
    plugins = tmp_path / "metaflow_extensions" / "halfway" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "mfextinit_halfway.py").write_text(
        'CLIS_DESC = [("halfway", ".nowhere.cli")]\n'
        'DEPLOYER_IMPL_PROVIDERS_DESC = [("halfway", ".halfway.Deployer")]\n'
    )
    (plugins / "halfway.py").write_text(
        "from metaflow.runner.deployer_impl import DeployerImpl\n\n\n"
        'class Deployer(DeployerImpl):\n    TYPE = "halfway"\n'
    )
    path = f"{tmp_path}:{environment()['PYTHONPATH']}"
    finished = run("--scheduler-type", "halfway", cwd=tmp_path, PYTHONPATH=path)
    refused(finished, "the command group does not answer", "halfway --help")


def test_an_unknown_selection_is_refused_with_what_is_close(tmp_path):
    finished = on_fake("--select", "linear-run-in-order", cwd=tmp_path)
    refused(finished, "Did you mean", "linear-runs-in-order")


def test_a_backend_of_another_type_in_the_file_is_not_taken(tmp_path):
    file = tmp_path / "ux.yaml"
    file.write_text("backends: [{name: a, scheduler_type: other}]\n")
    finished = on_fake("--config", str(file), cwd=tmp_path)
    refused(finished, "no enabled backend of type 'fakesched'", "a (other)")


def test_a_report_folder_with_other_peoples_files_is_not_overwritten(tmp_path):
    precious = tmp_path / "report" / "evidence" / "precious.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine")
    finished = on_fake("--report-dir", "report", cwd=tmp_path)
    refused(finished, "was not written by this command")
    assert precious.read_text() == "mine"


def test_the_list_shows_what_would_run_and_runs_nothing(tmp_path):
    finished = on_fake("--list", "--select", "LINEAR_DAG", cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert "linear-runs-in-order" in finished.stdout
    assert "not in --select" in finished.stdout
    assert list(tmp_path.iterdir()) == []


def test_help_names_the_exit_codes(tmp_path):
    finished = run("--help", cwd=tmp_path)
    assert finished.returncode == 0
    assert "3 nothing ran" in " ".join(finished.stdout.split())
