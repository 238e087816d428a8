"""What an extension does not declare is refused; what it accepts all the same is a failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mutant import NAME
from mutants_trial import ROOT, scaffold

OPTIONAL = (
    *("NESTED_FOREACH", "SWITCH", "RECURSIVE_SWITCH", "PARALLEL", "CONDA"),
    *("SCHEDULE", "EVENT_TRIGGER", "TRIGGER_ON_FINISH", "EXIT_HOOK"),
)


def _undeclared(folder: Path) -> Path:
    """An extension that declares none of them."""
    project = scaffold(folder)
    file = next(project.rglob(f"{NAME}_deployer.py"))
    text = file.read_text("utf-8")
    for capability in OPTIONAL:
        assert text.count(f'    "{capability}",\n') == 1, capability
        text = text.replace(f'    "{capability}",\n', "")
    file.write_text(text, encoding="utf-8")
    return project


def _results(project: Path, folder: Path) -> list[dict[str, Any]]:
    """What the command reports about these capabilities."""
    command = [sys.executable, "-m", "metaflow_orchestrator_kit.test", "--scheduler-type", NAME]
    command += ["--report-dir", str(folder / "report")]
    command += [word for capability in OPTIONAL for word in ("--select", capability)]
    path = os.pathsep.join([str(project), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "METAFLOW_USER": "mutant", "NO_COLOR": "1"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=560,
        check=False,
    )
    report = folder / "report" / "report.json"
    assert report.exists(), (done.stdout + done.stderr)[-4000:]
    results = json.loads(report.read_text("utf-8"))["cases"]
    return [result for result in results if result["cap"] in OPTIONAL]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_is_not_declared_is_refused_and_that_is_no_failure(tmp_path: Path) -> None:
    results = _results(_undeclared(tmp_path), tmp_path)
    assert {result["verdict"] for result in results} == {"refused"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_is_not_declared_and_yet_accepted_fails_with_the_clause(tmp_path: Path) -> None:
    project = _undeclared(tmp_path)
    file = next(project.rglob("compiler.py"))
    text = file.read_text("utf-8")
    assert text.count("if capability not in have:") == 1
    file.write_text(text.replace("if capability not in have:", "if False:"), encoding="utf-8")
    for result in _results(project, tmp_path):
        assert result["verdict"] == "failed"
        assert "clause C10" in result["message"]
