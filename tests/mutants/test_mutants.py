"""No broken orchestrator passes: every mutant is caught by its case, with its clause."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from mutant import NAME, Mutant
from table import MUTANTS

from metaflow_orchestrator_kit.capabilities import REQUIRED
from metaflow_orchestrator_kit.compliance.cases import all_cases

CASES = {case.id: case for case in all_cases()}
ROOT = Path(__file__).parents[2]


def _run(module: str, *arguments: str, folder: Path, path: list[Path]) -> None:
    """Run a command of the kit; a mutant is found by Metaflow through PYTHONPATH."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "METAFLOW_USER": "mutant",
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
    }
    with (folder / "output.txt").open("ab") as output:
        subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=280,
            check=False,
        )


def _scaffold(folder: Path) -> Path:
    project = folder / NAME
    _run("metaflow_orchestrator_kit.scaffold", NAME, str(project), folder=folder, path=[ROOT])
    assert project.is_dir(), (folder / "output.txt").read_text()
    return project


def _verdicts(mutant: Mutant, folder: Path) -> dict[str, Any]:
    """The results of the selected cases on the mutant, by case id."""
    project = _scaffold(folder)
    mutant.apply(project)
    return _results(project, mutant.selected, folder)


def _results(project: Path, selected: Iterable[str], folder: Path) -> dict[str, Any]:
    selection = [word for case in selected for word in ("--select", case)]
    _run(
        "metaflow_orchestrator_kit.test",
        *("--scheduler-type", NAME, "--report-dir", str(folder / "report"), *selection),
        folder=folder,
        path=[project, ROOT],
    )
    report = folder / "report" / "report.json"
    assert report.exists(), (folder / "output.txt").read_text()[-4000:]
    results = json.loads(report.read_text("utf-8"))["cases"]
    return {result["case"]: result for result in results}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_broken_extension_is_caught_by_the_right_case(mutant: Mutant, tmp_path: Path) -> None:
    results = _verdicts(mutant, tmp_path)
    verdicts = {case: results[case]["verdict"] for case in mutant.selected}
    for case in mutant.kills:
        assert verdicts[case] in ("failed", "blocked"), verdicts
    first = results[mutant.kills[0]]
    assert first["verdict"] == "failed", verdicts
    assert mutant.says in first["message"]
    for clause in CASES[mutant.kills[0]].clauses:
        assert f"clause {clause}" in first["message"]
    assert {case: verdicts[case] for case in mutant.spares} == dict.fromkeys(
        mutant.spares, "passed"
    )
    assert "error" not in verdicts.values(), "the kit itself went wrong"


OPTIONAL = (
    *("NESTED_FOREACH", "SWITCH", "RECURSIVE_SWITCH", "PARALLEL"),
    *("SCHEDULE", "EVENT_TRIGGER", "TRIGGER_ON_FINISH", "EXIT_HOOK"),
)


def _undeclare(project: Path) -> None:
    file = next(project.rglob(f"{NAME}_deployer.py"))
    text = file.read_text("utf-8")
    for capability in OPTIONAL:
        assert text.count(f'    "{capability}",\n') == 1, capability
        text = text.replace(f'    "{capability}",\n', "")
    file.write_text(text, encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_is_not_declared_is_refused_and_that_is_no_failure(tmp_path: Path) -> None:
    project = _scaffold(tmp_path)
    _undeclare(project)
    results = _results(project, OPTIONAL, tmp_path)
    probed = [one["verdict"] for one in results.values() if one["cap"] in OPTIONAL]
    assert set(probed) == {"refused"}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_is_not_declared_and_yet_accepted_fails_with_the_clause(tmp_path: Path) -> None:
    project = _scaffold(tmp_path)
    _undeclare(project)
    file = next(project.rglob("compiler.py"))
    text = file.read_text("utf-8")
    assert text.count("if capability not in have:") == 1
    file.write_text(text.replace("if capability not in have:", "if False:"), encoding="utf-8")
    results = _results(project, OPTIONAL, tmp_path)
    for one in results.values():
        if one["cap"] in OPTIONAL:
            assert one["verdict"] == "failed"
            assert "clause C10" in one["message"]


def test_the_table_fits_the_generated_extension(tmp_path: Path) -> None:
    project = _scaffold(tmp_path)
    for mutant in MUTANTS:
        copy = tmp_path / "copies" / mutant.id
        copy.parent.mkdir(exist_ok=True)
        subprocess.run(["cp", "-r", str(project), str(copy)], check=True)
        mutant.apply(copy)


def test_a_mutant_whose_text_is_gone_is_an_error(tmp_path: Path) -> None:
    project = _scaffold(tmp_path)
    stale = Mutant("stale", "walk.py", "no such text", "", kills=("x",), says="")
    with pytest.raises(ValueError, match=r"0 times in walk\.py, not once"):
        stale.apply(project)


def test_mutants_name_cases_that_exist_and_never_expect_two_things_of_one() -> None:
    for mutant in MUTANTS:
        assert set(mutant.selected) <= set(CASES), mutant.id
        red = {*mutant.kills, *mutant.also}
        assert not red & set(mutant.spares), mutant.id
    ids = [mutant.id for mutant in MUTANTS]
    assert len(ids) == len(set(ids))


def test_every_required_capability_has_a_mutant_that_its_case_must_catch() -> None:
    caught = {CASES[case].cap for mutant in MUTANTS for case in mutant.kills}
    assert {cap.name for cap in REQUIRED} <= {cap.name for cap in caught}
