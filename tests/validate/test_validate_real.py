"""What the validator says of correct code that was not written for it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.scaffold import names, render
from metaflow_orchestrator_kit.validate.findings import Report, Verdict
from metaflow_orchestrator_kit.validate.runner import validate

NINE = {f"MOK00{n}" for n in range(1, 10)}


def _by_verdict(report: Report, verdict: Verdict) -> set[str]:
    return {o.code for o in report.outcomes if o.verdict is verdict} & NINE


def _plugins() -> Path:
    found = importlib.util.find_spec("metaflow")
    if found is None or found.origin is None:
        pytest.skip("Metaflow is not installed")
    return Path(found.origin).parent / "plugins"


def test_of_a_fresh_scaffold_nothing_is_broken_and_nothing_unsure(tmp_path: Path) -> None:
    project = render.project(render.Answers(names.parse("my-scheduler")))
    for file in project.files:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.path).write_bytes(file.content)
        assert b"mok: ignore" not in file.content, file.path
    report = validate(tmp_path)
    assert _by_verdict(report, Verdict.PASS) == NINE, report.findings
    assert list(report.findings) == []
    assert [(o.code, o.unsure) for o in report.outcomes if o.unsure] == []
    assert report.lost == ()


@pytest.mark.parametrize("folder", ["argo", "aws/step_functions"])
def test_metaflow_s_own_plugins_pass_the_first_nine_rules(folder: str) -> None:
    report = validate(_plugins() / folder)
    assert _by_verdict(report, Verdict.PASS) == NINE, report.findings


def test_of_airflow_only_the_missing_configs_are_found() -> None:
    report = validate(_plugins() / "airflow")
    assert _by_verdict(report, Verdict.FAIL) == {"MOK004"}
    assert _by_verdict(report, Verdict.NOT_APPLICABLE) == {"MOK002", "MOK003", "MOK009"}
