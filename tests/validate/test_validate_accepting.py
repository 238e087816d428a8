"""Findings that may stay: comments in the code, and the baseline of an old extension."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaflow_orchestrator_kit.validate.cli import main
from metaflow_orchestrator_kit.validate.modules import parse_source
from metaflow_orchestrator_kit.validate.rules.examples import COMPILER
from metaflow_orchestrator_kit.validate.suppressions import suppressions

Write = Callable[..., Path]
Report = Callable[..., dict[str, Any]]
START = '    cmd = ["python", "f.py", "step", node, "--run-id", "r"]'
CONSTANT = '    cmd += ["--retry-count", "0"]'
BROKEN = f"def command(node):\n{START}\n{CONSTANT}\n    return cmd\n"


def _with(comment: str) -> str:
    return BROKEN.replace(CONSTANT, f"{CONSTANT}  {comment}")


@pytest.fixture
def report(write: Write, capsys: pytest.CaptureFixture[str]) -> Report:
    """The JSON report on an extension whose compiler is this."""

    def report(source: str, *options: str, expected: int | None = None) -> dict[str, Any]:
        root = write({COMPILER: source})
        given = options or ("--select", "MOK006")
        capsys.readouterr()
        code = main([str(root), "--format", "json", *given])
        captured = capsys.readouterr()
        assert code == expected if expected is not None else code in (0, 1), captured.err
        content: dict[str, Any] = json.loads(captured.out)
        return content

    return report


def _codes(content: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in content["findings"]]


def test_a_comment_with_a_reason_lets_the_finding_pass(report: Report) -> None:
    content = report(_with("# mok: ignore[MOK006] retries are off here"), expected=0)
    assert content["findings"] == []
    assert [f["code"] for f in content["accepted"]] == ["MOK006"]
    assert content["rules"][0]["verdict"] == "accepted"
    assert content["summary"]["accepted"] == 1


def test_a_comment_alone_on_the_line_before_does_too(report: Report) -> None:
    source = BROKEN.replace(CONSTANT, f"    # mok: ignore[MOK006] why not\n\n{CONSTANT}")
    assert report(source, expected=0)["summary"]["accepted"] == 1


def test_a_comment_behind_a_string_speaks_of_what_lies_in_it(report: Report) -> None:
    source = f'SOURCE = """\n{BROKEN}"""  # mok: ignore[MOK006] nobody runs this\n'
    assert report(source, expected=0)["summary"]["accepted"] == 1


def test_a_comment_on_another_line_lets_nothing_pass_and_is_reported(report: Report) -> None:
    source = BROKEN.replace(START, f"{START}  # mok: ignore[MOK006] the wrong place")
    content = report(source, expected=1)
    assert _codes(content) == ["MOK010", "MOK006"]
    assert content["findings"][0]["line"] == 2
    assert content["findings"][0]["severity"] == "warning"
    assert content["findings"][0]["clause"] is None


def test_a_comment_without_a_reason_lets_nothing_pass(report: Report) -> None:
    assert sorted(_codes(report(_with("# mok: ignore[MOK006]"), expected=1))) == [
        "MOK006",
        "MOK012",
    ]


@pytest.mark.parametrize("comment", ["# mok: ignore because", "# mok: ignore[] because"])
def test_a_comment_without_a_code_lets_nothing_pass(comment: str, report: Report) -> None:
    assert sorted(_codes(report(_with(comment), expected=1))) == ["MOK006", "MOK011"]


def test_an_unknown_code_is_reported_and_the_others_count(report: Report) -> None:
    content = report(_with("# mok: ignore[MOK006, MOK999] reasons"), expected=1)
    assert _codes(content) == ["MOK011"]
    assert "MOK999" in content["findings"][0]["message"]


def test_a_comment_for_a_rule_that_was_not_asked_is_not_called_unused(report: Report) -> None:
    source = BROKEN.replace('"0"', "attempt").replace("(node)", "(node, attempt)")
    source = source.replace("    return", "    # mok: ignore[MOK008] elsewhere\n    return")
    assert report(source, expected=0)["findings"] == []


def test_a_comment_in_a_string_is_text(report: Report) -> None:
    source = BROKEN + 'TEXT = "# mok: ignore[MOK006] not a comment"\n'
    assert _codes(report(source, expected=1)) == ["MOK006"]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("x = 1  # mok: ignore[A] r\n", (1, 1)),
        ("# mok: ignore[A] r\n# more\n\nif x:\n    pass\n", (4, 4)),
        ("if x:\n    # mok: ignore[A] r\n    y = 1\n", (3, 3)),
        ('x = f"""\n{1}\n"""  # mok: ignore[A] r\n', (1, 3)),
        ('x = ["""\n""", """\n\n"""]  # mok: ignore[A] r\n', (1, 4)),
        ("# mok: ignore[A] r", (1, 1)),
    ],
)
def test_a_comment_speaks_of_its_line_or_the_next_one(source: str, lines: tuple[int, int]) -> None:
    (found,) = suppressions([parse_source(source, "a.py", "a")])
    assert (found.first, found.last) == lines


def test_a_baseline_lets_pass_what_was_there(
    write: Write, report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "baseline.json"
    options = ("--select", "MOK006", "--baseline", str(file))
    assert main([str(write({COMPILER: BROKEN})), *options, "--write-baseline"]) == 0
    assert "1 finding" in capsys.readouterr().out
    content = report(BROKEN, *options, expected=0)
    assert content["summary"]["accepted"] == 1
    # Lines that others are put before do not matter, nor does another indentation.
    moved = "import os\n\n" + BROKEN
    assert report(moved, *options, expected=0)["findings"] == []


def test_more_of_the_same_is_found_in_spite_of_the_baseline(
    write: Write, report: Report, tmp_path: Path
) -> None:
    file = tmp_path / "baseline.json"
    options = ("--select", "MOK006", "--baseline", str(file))
    assert main([str(write({COMPILER: BROKEN})), *options, "--write-baseline"]) == 0
    content = report(BROKEN + BROKEN.replace("command", "another"), *options, expected=1)
    assert len(content["findings"]) == 1
    assert len(content["accepted"]) == 1


def test_a_baseline_that_could_be_smaller_is_said(
    write: Write, report: Report, tmp_path: Path
) -> None:
    file = tmp_path / "baseline.json"
    options = ("--select", "MOK006", "--baseline", str(file))
    assert main([str(write({COMPILER: BROKEN})), *options, "--write-baseline"]) == 0
    content = report(BROKEN.replace('"0"', "str(node.attempt)"), *options, expected=0)
    assert "1 finding of the baseline is no longer found" in content["remarks"][0]


def test_writing_a_baseline_twice_writes_the_same(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    root = write({COMPILER: BROKEN})
    options = [str(root), "--select", "MOK006", "--baseline", str(file), "--write-baseline"]
    assert main(options) == 0
    first = file.read_bytes()
    assert main(options) == 0
    assert file.read_bytes() == first


@pytest.mark.parametrize(
    "content",
    [
        "no json",
        "[]",
        '{"version": 2, "findings": []}',
        '{"version": 1, "findings": [{"code": "MOK006"}]}',
        '{"version": 1}',
    ],
)
def test_a_malformed_baseline_is_wrong_use(
    content: str, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(content)
    assert main([str(write()), "--baseline", str(file)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "baseline.json" in captured.err
    assert captured.err.count("\n") == 1


def test_a_missing_baseline_is_wrong_use(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(write()), "--baseline", str(tmp_path / "none.json")]) == 2
    assert "--write-baseline" in capsys.readouterr().err


def test_writing_a_baseline_needs_a_file(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(write()), "--write-baseline"]) == 2
    assert "--baseline FILE" in capsys.readouterr().err


def test_a_baseline_that_cannot_be_written_is_wrong_use(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "none" / "baseline.json"
    assert main([str(write()), "--baseline", str(file), "--write-baseline"]) == 2
    assert "Cannot write" in capsys.readouterr().err


RUN = "python flow.py --quiet step start --run-id r --task-id t --retry-count 0"
IN_FILES = {
    "task.sh.j2": f"set -e\n{RUN}COMMENT\n",
    "task.yaml": f"steps:\n  - run: {RUN}COMMENT\n",
    "run.sh.mustache": f"set -e\n{RUN}COMMENT\n",
}


@pytest.mark.parametrize("name", IN_FILES)
@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("", 1),
        ("  # mok: ignore[MOK006] retries are off here", 0),
        ("  {# mok: ignore[MOK006] retries are off here #}", 0),
        ("  # mok: ignore[MOK006]", 1),
        ("  {# mok: ignore[MOK006] #}", 1),
        ("  # mok: ignore[MOK301] another rule", 1),
    ],
)
def test_a_comment_in_a_template_lets_the_finding_pass(
    name: str, comment: str, expected: int, write: Write
) -> None:
    path = f"metaflow_extensions/acme/plugins/acme/{name}"
    root = write({path: IN_FILES[name].replace("COMMENT", comment)})
    assert main([str(root), "--select", "MOK006"]) == expected


def test_a_comment_on_the_line_before_speaks_of_the_next_line_of_a_template(write: Write) -> None:
    path = "metaflow_extensions/acme/plugins/acme/task.yaml"
    text = f"# mok: ignore[MOK006] off\n# more of it\n\nsteps: {RUN}\n"
    assert main([str(write({path: text})), "--select", "MOK006"]) == 0
    text = f"# mok: ignore[MOK006] off\nkind: x\nsteps: {RUN}\n"
    assert main([str(write({path: text})), "--select", "MOK006"]) == 1
