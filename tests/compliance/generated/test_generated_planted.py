"""A fault in how a generated extension walks a graph is found by random flows, and made small."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from metaflow_orchestrator_kit.compliance.report.verify import problems

ROOT = Path(__file__).parents[3]
NAME = "my_scheduler"
WALK = Path("metaflow_extensions", NAME, "plugins", NAME, "walk_graph.py")

RIGHT = "for position in sorted(fan.arrived)"
WRONG = "for position in sorted(fan.arrived, reverse=bool(fan.index))"
"""Joins inside another foreach get their inputs in the wrong order."""

NESTED = 325
"""A seed with a foreach of two items inside another one, and more around it."""

SMALL = 145
"""The first of two seeds with few tasks and much nesting."""


def run(module: str, *arguments: str, folder: Path, path: list[Path]) -> str:
    """What a command of the kit printed."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "METAFLOW_USER": "random",
        "NO_COLOR": "1",
    }
    log = folder / f"{module.rpartition('.')[2]}.log"
    with log.open("wb") as output:  # no pipe, which a process that was left behind would hold open
        subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=1700,
            check=False,
        )
    return log.read_text("utf-8", errors="replace")


def random_flows(folder: Path, *options: str, broken: bool) -> tuple[dict[str, Any], str]:
    """The report on random flows, on a fresh extension or a broken copy, and what was printed."""
    project = folder / NAME
    said = run("metaflow_orchestrator_kit.scaffold", NAME, folder=folder, path=[ROOT])
    assert project.is_dir(), said
    if broken:
        text = (project / WALK).read_text("utf-8")
        assert text.count(RIGHT) == 1, "bring the planted fault up to date with the template"
        (project / WALK).write_text(text.replace(RIGHT, WRONG), encoding="utf-8")
    said = run(
        "metaflow_orchestrator_kit.test",
        *("--scheduler-type", NAME, "--select", "RANDOM_FLOWS", "--report-dir", "report"),
        *("--timeout", "1200"),
        *options,
        folder=folder,
        path=[project, ROOT],
    )
    report = folder / "report" / "report.json"
    assert report.exists(), said[-4000:]
    return json.loads(report.read_text("utf-8")), said


def test_the_planted_fault_fits_the_template():
    inside = "metaflow_extensions/__module__/plugins/__module__"
    walk = ROOT / "templates/extension" / inside / "walk_graph.py"
    assert walk.read_text("utf-8").count(RIGHT) == 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_planted_fault_is_found_and_its_flow_made_smaller(tmp_path):
    options = (
        "--random-flows",
        "1",
        "--seed",
        str(NESTED),
        "--shrink-tries",
        "8",
        "--workers",
        "4",
    )
    report, said = random_flows(tmp_path, *options, broken=True)
    assert problems(report) == []
    assert report["exit_code"] == 1, said[-4000:]
    (found,) = [one for one in report["cases"] if one["selected"]]
    assert (found["case"], found["verdict"]) == (f"random-flow-{NESTED}", "failed")
    assert "artifacts of join_" in found["message"]
    assert "another order than the items" in found["message"]
    assert f"--random-flows 1 --seed {NESTED}" in found["message"]
    flows = tmp_path / "report" / "evidence" / "random_flows"
    smallest = flows / f"random_flow_{NESTED}_smallest.py"
    assert str(smallest) in found["message"]
    small, drawn = (
        file.read_text("utf-8") for file in (smallest, flows / f"random_flow_{NESTED}.py")
    )
    assert small.count("@step") < drawn.count("@step")
    assert small.count("foreach=") >= 2, "what makes it fail is still there"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_extension_as_it_is_written_runs_them_as_metaflow_does(tmp_path):
    options = ("--random-flows", "2", "--seed", str(SMALL))
    report, said = random_flows(tmp_path, *options, broken=False)
    assert report["exit_code"] == 0, said[-4000:]
    assert "Random flows: 2 of 2 ran as Metaflow's own runtime runs them." in said
    assert report["counts"]["passed"] == 2
