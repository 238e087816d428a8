"""The settings of the scheduler that are given to a `Deployer`, and not to the whole process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from live_engine import Live
from machines import Machines
from scaffolded import PATIENCE, Bench

_PROGRAM = """
import os, sys
from metaflow import Deployer
from metaflow.exception import MetaflowException

flow, folder, database = sys.argv[1:]
variable = "METAFLOW_MY_SCHEDULER_DATABASE"
deployed = Deployer(flow, env={variable: database}).my_scheduler(name="settings").create()
triggered = deployed.trigger(folder=folder)
triggered.wait_for_completion(check_interval=0.5, timeout=400)
assert triggered.status == "SUCCEEDED", triggered.status
assert [run.run_id for run in deployed.list_runs()] == [triggered.run_id]
assert deployed.production_token
try:
    type(deployed).from_deployment("settings")
except MetaflowException as error:
    print(error)
os.environ[variable] = database
found = type(deployed).from_deployment("settings")
assert found.production_token == deployed.production_token
print(triggered.run_id)
"""

_ELSEWHERE = """
import os, sys
from metaflow import Deployer

here = os.getcwd()
deployer = Deployer(sys.argv[1], cwd=sys.argv[2], config=[("word", "word.json")])
deployed = deployer.my_scheduler().create()
triggered = deployed.trigger()
try:
    deployed.trigger(misspelt=1)
except Exception as error:
    print(type(error).__name__)
assert os.getcwd() == here, os.getcwd()
triggered.wait_for_completion(check_interval=0.5, timeout=400)
print(triggered.status, triggered.run.data.said)
"""

_CONFIGURED = """
from metaflow import Config, FlowSpec, step

class Configured(FlowSpec):
    word = Config("word")

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        self.said = self.word.said

if __name__ == "__main__":
    Configured()
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_config_file_is_read_in_the_directory_that_the_deployer_was_given(
    bench: Bench, tmp_path: Path
) -> None:
    flow, program = bench.flow(_CONFIGURED), bench.flow(_ELSEWHERE, "program.py")
    (flow.parent / "word.json").write_text('{"said": "hello"}')

    done = subprocess.run(
        [sys.executable, str(program), str(flow), str(flow.parent)],
        env=bench.environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "SUCCEEDED hello"


def test_an_engine_has_the_settings_that_it_is_given(bench: Bench, live: Live) -> None:
    for database in ("one.db", "mysql://host/name"):
        given = {**bench.environment, live.variable("DATABASE"): database}
        with pytest.raises(live.module.EngineError, match="DATABASE has to be an address"):
            live.module.Engine(given)
    elsewhere = bench.root / "elsewhere"

    live.module.Engine({**bench.environment, live.variable("HOME"): str(elsewhere)})

    assert list(elsewhere.iterdir())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_database_given_to_a_deployer_holds_for_all_that_comes_of_it(
    machines: Machines, tmp_path: Path
) -> None:
    live = machines.live
    machines.serve("a")
    program = live.bench.flow(_PROGRAM, "program.py")
    environment = {**live.bench.environment, "KIT_TEST": str(live.folder)}
    database = environment.pop(live.variable("DATABASE"))

    done = subprocess.run(
        [sys.executable, str(program), str(live.flow("solo")), str(tmp_path), database],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    refusal, run_id = done.stdout.splitlines()[-2:]
    assert "No deployment 'settings'" in refusal
    assert live.engine.run(run_id).status == "SUCCEEDED"
    assert (tmp_path / "begun").read_text() == "0\n"
    assert [path.name for path in (live.folder / "home-a" / "runs").iterdir()] == [run_id]
