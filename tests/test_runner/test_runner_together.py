"""Two suites at once on one machine do not disturb each other."""

from __future__ import annotations

import json
import subprocess

import pytest
from runner_support import BAD, GOOD, command, environment, select

from metaflow_orchestrator_kit.compliance.lab.processes import LAB, marked


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_invocations_at_once_give_the_verdicts_that_each_gives_alone(tmp_path):
    processes, folders = [], []
    for number in (1, 2):
        folder = tmp_path / f"report{number}"
        folders.append(folder)
        words = ["--scheduler-type", "fakesched", *select(*GOOD, BAD), "--report-dir", str(folder)]
        with (tmp_path / f"{number}.log").open("wb") as log:
            processes.append(
                subprocess.Popen(
                    command(*words),
                    cwd=tmp_path,
                    env=environment(TMPDIR=str(tmp_path)),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )
    try:
        codes = [process.wait(timeout=500) for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=60)
    assert codes == [1, 1], (tmp_path / "1.log").read_text()
    tokens, paths = [], []
    for folder in folders:
        report = json.loads((folder / "report.json").read_text())
        verdicts = {one["case"]: one["verdict"] for one in report["cases"] if one["selected"]}
        assert verdicts == {**dict.fromkeys(GOOD, "passed"), BAD: "failed"}
        paths += [run["pathspec"] for run in report["runs"]]
        tokens.append(json.loads((folder / "evidence" / "settings.json").read_text())["token"])
    assert len({*paths}) == len({*tokens}) == 2, "flows and processes have names of their own"
    assert [marked(LAB, token) for token in tokens] == [[], []]
