"""Beside a red verdict stands what was compiled, commanded, printed and reported."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from metaflow_orchestrator_kit.compliance.evidence import lay_out
from metaflow_orchestrator_kit.compliance.lab.recorder import COMMANDS
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario, TaskSeen

COMPILER = "import os, sys; print(sys.argv[1:], os.environ['GIVEN'])"


def task(**changes: Any) -> TaskSeen:
    """A task that went well."""
    values: dict[str, Any] = {
        **{"step": "start", "id": "t/1", "index": [], "attempts": [0], "current_attempt": 0},
        **{"successful": True, "finished": True, "exception": None, "artifacts": {}},
        **{"stdout": "hello\n", "stderr": "", "metadata": {}, "tags": [], "parents": []},
        **{"created_at": 1.0, "finished_at": 2.0},
    }
    return TaskSeen(**{**values, **changes})


def recorded(folder: Path, *words: str) -> None:
    """A command that the deployer has started."""
    told = {"command": [sys.executable, "-c", COMPILER, *words], "cwd": str(folder)}
    line = json.dumps({**told, "environment": {"METAFLOW_USER": "me"}})
    with (folder / COMMANDS).open("a") as stream:
        stream.write(line + "\n")


def laid_out(folder: Path, **seen: Any) -> list[str]:
    """The files that are made of an observation."""
    scenario = Scenario("wide", "fanout", top={"env": {"GIVEN": "by the scenario"}})
    return lay_out(Observation("wide", evidence=str(folder), **seen), scenario, dict(os.environ))


def test_the_plan_is_compiled_once_more_as_it_was_deployed(tmp_path):
    recorded(tmp_path, "sched", "create", "--deployer-attribute-file", "/fifo", "--tag", "a")
    assert laid_out(tmp_path)[0] == "compiled.txt"
    text = (tmp_path / "compiled.txt").read_text()
    assert text.endswith("['sched', 'create', '--only-json', '--tag', 'a'] by the scenario\n")
    recorded(tmp_path, "another", "create", "--deployer-attribute-file", "/fifo")
    laid_out(tmp_path)
    assert (tmp_path / "compiled.txt").read_text() == text


@pytest.mark.parametrize("words", [("trigger",), ("sched", "trigger", "--deployer-attribute-file")])
def test_what_was_not_deployed_is_not_compiled(tmp_path, words):
    recorded(tmp_path, *words)
    assert "compiled.txt" not in laid_out(tmp_path)


def test_a_command_that_had_a_secret_is_not_run_without_it(tmp_path):
    recorded(tmp_path, "create", "--deployer-attribute-file", "/fifo", "--token", "***")
    laid_out(tmp_path)
    assert "not run: it has a secret" in (tmp_path / "compiled.txt").read_text()


def test_a_compiler_that_fails_is_quoted(tmp_path):
    recorded(tmp_path, "create", "--deployer-attribute-file", "/fifo")
    (tmp_path / COMMANDS).write_text(
        (tmp_path / COMMANDS).read_text().replace("print(", "sys.exit('no such option'); print(")
    )
    laid_out(tmp_path)
    assert "# exit code 1\nno such option" in (tmp_path / "compiled.txt").read_text()


def test_commands_and_environments_of_deployer_and_attempts_are_told(tmp_path):
    recorded(tmp_path, "sched", "trigger", "--name", "a b")
    witness = {"step": "start", "task_id": "t-1", "attempt": 2, "argv": ["python", "flow.py"]}
    witness["environment"] = {"METAFLOW_RUN": "7"}
    files = laid_out(tmp_path, ledger=[witness, {**witness, "event": "again"}])
    assert files == ["commands.txt", "environment.txt"]
    commands = (tmp_path / "commands.txt").read_text()
    assert f"# trigger, in {tmp_path}\n" in commands
    assert "sched trigger --name 'a b'\n" in commands
    assert commands.count("# step start, task t-1, attempt 2\npython flow.py\n") == 1
    environment = (tmp_path / "environment.txt").read_text()
    assert "METAFLOW_USER=me\n" in environment and "METAFLOW_RUN=7\n" in environment


def test_without_a_ledger_attempts_are_told_from_their_artifacts(tmp_path):
    seen = {"step": "start", "task_id": "t-1", "attempt": 0, "argv": ["python", "flow.py"]}
    laid_out(tmp_path, tasks=[task(artifacts={"seen": seen})])
    assert "python flow.py" in (tmp_path / "commands.txt").read_text()


def test_statuses_stand_in_the_order_of_time(tmp_path):
    statuses: list[tuple[float, str | None]] = [(0.0, "PENDING"), (2.5, "FAILED")]
    laid_out(tmp_path, statuses=statuses, run_visible_after=1.0, terminal_after=2.5)
    lines = (tmp_path / "status.txt").read_text().splitlines()
    assert [line.split("s  ")[1] for line in lines] == [
        "PENDING",
        "(the run is in Metaflow's metadata)",
        "(over)",
        "FAILED",
    ]


def test_the_logs_of_tasks_are_files(tmp_path):
    assert laid_out(tmp_path, tasks=[task()]) == ["logs"]
    assert (tmp_path / "logs" / "start-t_1.stdout").read_text() == "hello\n"
    assert not (tmp_path / "logs" / "start-t_1.stderr").exists()


def test_where_nothing_was_kept_nothing_is_laid_out():
    assert lay_out(Observation("wide"), Scenario("wide", "fanout"), {}) == []
