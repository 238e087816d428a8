"""A report says what happened in every form, and a report that does not is found out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from report_builders import HOSTILE, make_report, mixed, result

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.report import files
from metaflow_orchestrator_kit.compliance.report.badge import badge
from metaflow_orchestrator_kit.compliance.report.diff import changes, surroundings
from metaflow_orchestrator_kit.compliance.report.document import git_state
from metaflow_orchestrator_kit.compliance.report.junit import junit
from metaflow_orchestrator_kit.compliance.report.markdown import markdown
from metaflow_orchestrator_kit.compliance.report.verify import SCHEMA, problems
from metaflow_orchestrator_kit.compliance.verdict import Verdict

ROOT = Path(__file__).parents[2]


def green() -> dict[str, Any]:
    return make_report(result("a", Verdict.PASSED), result("b", Verdict.PASSED, cap=Cap.CATCH))


def spoilt(change: Any) -> dict[str, Any]:
    report = json.loads(json.dumps(green()))
    change(report)
    return dict(report)


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "metaflow_orchestrator_kit.report", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_schema_is_a_schema_and_its_verdicts_are_ours():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    names = [verdict.value for verdict in Verdict]
    assert schema["$defs"]["case"]["properties"]["verdict"]["enum"] == names
    assert schema["properties"]["counts"]["required"] == names


def test_a_report_of_every_verdict_holds_together():
    assert problems(json.loads(json.dumps(mixed()))) == []
    assert problems(green()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: it.pop("kit"), "'kit' is a required property"),
        (lambda it: it["cases"][0].update(verdict="great"), "'great' is not one of"),
        (lambda it: it["counts"].update(passed=3), "counts: 3 passed, but 2 cases are"),
        (lambda it: it["counts"].update(cool=1), "$.counts"),
        (lambda it: it.update(exit_code=1), "exit_code: 1, but the cases amount to 0"),
        (lambda it: it.update(partial=True), "partial: True"),
        (lambda it: it.update(runs=[]), "'a' is passed, but its scenario 'a' was not observed"),
        (lambda it: it["cases"][0].update(selected=False), "but it was not selected"),
        (lambda it: it["cases"][0].update(cap="RESUME"), "RESUME was not taken for supported"),
        (lambda it: it["cases"][0].update(verdict="refused"), "RETRY was taken for supported"),
        (lambda it: it["cases"][0].update(verdict="failed"), "does not say why"),
        (lambda it: it["cases"][0].update(verdict="known-failure"), "not in the list of known"),
        (lambda it: it["cases"][1].update(case="a"), "'a' is there 2 times"),
    ],
)
def test_a_report_that_claims_too_much_is_found_out(change, said):
    assert any(said in problem for problem in problems(spoilt(change)))


def test_a_list_of_known_failures_that_is_not_true_is_never_exit_code_zero():
    report = spoilt(lambda it: it.update(known_failures={"entries": [], "problems": ["x"]}))
    assert any("exit_code" in problem for problem in problems(report))


def test_what_gets_worse_is_told_first():
    old = make_report(
        result("a", Verdict.PASSED),
        result("b", Verdict.FAILED, "x"),
        result("c", Verdict.PASSED),
        result("d", Verdict.DISABLED),
    )
    new = make_report(
        result("b", Verdict.PASSED),
        result("c", Verdict.FAILED, "x"),
        result("d", Verdict.NOT_RUN),
        result("e", Verdict.PASSED),
    )
    assert [str(change).split() for change in changes(old, new)] == [
        ["worse", "a:", "passed", "->", "not", "there"],
        ["worse", "c:", "passed", "->", "failed"],
        ["better", "b:", "failed", "->", "passed"],
        ["new", "e:", "not", "there", "->", "passed"],
        ["other", "d:", "disabled", "->", "not-run"],
    ]
    assert changes(old, old) == []


def test_another_version_is_part_of_the_difference():
    assert list(surroundings(green(), {**green(), "metaflow": "3.0"})) == [
        "metaflow: 2.19.39 -> 3.0"
    ]


def test_junit_counts_red_as_failures_and_what_did_not_run_as_skipped():
    suite = ElementTree.fromstring(junit(mixed()))[0]
    assert suite.attrib["tests"] == "9"
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("3", "1")
    assert suite.attrib["skipped"] == "3"
    kinds = {test.attrib["name"]: [one.tag for one in test] for test in suite}
    assert kinds["passes"] == kinds["refused"] == []
    assert kinds["fixed"] == ["failure"]
    assert kinds["known"] == kinds["disabled"] == kinds["not-run"] == ["skipped"]


def test_markdown_shows_every_capability_with_cases_and_every_red_message():
    text = markdown(mixed())
    assert "| `RETRY` | required | ❌ failed | 1 of 3 |" in text
    assert "| `PARALLEL` | optional | ✅ refused | 1 of 1 |" in text
    assert "`CONDA`" not in text
    assert "see 'fails'" in text
    assert "does not fail any more" in text


def test_text_of_a_scheduler_cannot_break_out_of_the_markdown():
    text = markdown(mixed())
    before, inside, after = text.partition("`````text\n")
    assert inside
    message, closing, _ = after.partition("\n`````\n")
    assert closing
    assert HOSTILE in message
    assert "<script>" not in before


@pytest.mark.parametrize(
    ("report", "colour", "message"),
    [
        (green(), "brightgreen", "2 passed"),
        (mixed(), "red", "1 failed, 1 fixed, 1 blocked, 1 error, 1 passed"),
        ({**green(), "partial": True}, "yellow", "partial, 2 passed"),
        (make_report(result("a", Verdict.DISABLED)), "lightgrey", "nothing ran"),
        (make_report(result("a", Verdict.NOT_RUN), result("b", Verdict.PASSED)), "red", "complete"),
    ],
)
def test_a_badge_is_green_only_for_a_whole_green_run(report, colour, message):
    made = badge(report)
    assert made["schemaVersion"] == 1
    assert made["color"] == colour
    assert message in made["message"]


def test_git_is_known_inside_a_repository_and_nowhere_else(tmp_path):
    assert git_state(tmp_path) is None

    def git(*words: str) -> None:
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-m", "m")
    clean = git_state(tmp_path)
    assert clean is not None and clean["dirty"] is False and len(clean["commit"]) == 40
    (tmp_path / "a").write_text("2")
    assert git_state(tmp_path) == {**clean, "dirty": True}


def test_the_command_verifies_compares_and_renders(tmp_path):
    files.write(green(), tmp_path / "old")
    files.write(mixed(), tmp_path / "new")
    good = command("verify", tmp_path / "old")
    assert good.returncode == 0, good.stderr
    assert "holds together (2 passed, 0 failed" in good.stdout
    worse = command("diff", tmp_path / "old", tmp_path / "new" / "report.json")
    assert worse.returncode == 1
    assert "worse  a: passed -> not there" in worse.stdout
    same = command("diff", tmp_path / "old", tmp_path / "old")
    assert (same.returncode, same.stdout) == (0, "No case has another verdict.\n")
    rendered = command("render", tmp_path / "new", "--to", tmp_path / "again")
    assert rendered.returncode == 0, rendered.stderr
    names = sorted(file.name for file in (tmp_path / "new").iterdir())
    assert names == sorted(file.name for file in (tmp_path / "again").iterdir())


def test_the_command_finds_a_report_that_was_tampered_with(tmp_path):
    (tmp_path / "report.json").write_text(json.dumps(spoilt(lambda it: it.update(runs=[]))))
    found = command("verify", tmp_path)
    assert found.returncode == 1
    assert "was not observed" in found.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "cannot be read"), ("{", "not valid JSON"), ('{"version": 9}', "the version 9")],
)
def test_what_is_no_report_is_refused_in_a_sentence(tmp_path, text, said):
    file = tmp_path / "report.json"
    if text is not None:
        file.write_text(text)
    for arguments in (["verify", file], ["diff", file, file], ["render", file, "--to", tmp_path]):
        refused = command(*arguments)
        assert refused.returncode == 2
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr
