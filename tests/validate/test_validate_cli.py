"""The command: its output, its exit codes, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.validate import runner
from metaflow_orchestrator_kit.validate.cli import main
from metaflow_orchestrator_kit.validate.rules import all_rules
from metaflow_orchestrator_kit.validate.rules.examples import COMPILER, DEPLOYER

Write = Callable[..., Path]
BROKEN = {
    COMPILER: "def command(node):\n"
    '    return ["python", "f.py", "step", node, "--run-id", "r", "--retry-count", "0"]\n'
}


def test_a_missing_directory_is_one_clear_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "nowhere" in captured.err


def test_no_directory_at_all_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "DIR" in capsys.readouterr().err


def test_a_file_that_is_no_python_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("x")
    assert main([str(tmp_path / "notes.txt")]) == 2
    assert "notes.txt" in capsys.readouterr().err


def test_a_single_python_file_is_validated(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write(BROKEN)
    assert main([str(root / COMPILER)]) == 1
    assert "acme_compiler.py:2:" in capsys.readouterr().out


def test_text_ends_in_the_results(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(write(BROKEN))]) == 1
    lines = capsys.readouterr().out.splitlines()
    failed = sum(line.startswith("FAIL") for line in lines)
    passed = sum(line.startswith("PASS") for line in lines)
    assert lines[-1].startswith(f"Results: {passed} passed, {failed} failed")
    assert any(line.startswith("FAIL   MOK006 retry-count-constant [H1]") for line in lines)
    assert any(f"{COMPILER}:2:" in line for line in lines)
    assert "\033" not in "".join(lines)


def test_json_is_an_object_with_a_version(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(write(BROKEN)), "--format", "json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["version"] == 1
    assert {"findings", "rules", "unsure", "skipped", "summary"} <= set(content)
    finding = next(f for f in content["findings"] if f["code"] == "MOK006")
    assert finding["path"] == COMPILER
    assert finding["line"] == 2
    assert finding["clause"] == "H1"
    rule = next(r for r in content["rules"] if r["code"] == "MOK001")
    assert rule["verdict"] == "pass"
    assert rule["evidence"]
    failed = {f["code"] for f in content["findings"]}
    assert {"MOK004", "MOK005", "MOK006", "MOK007", "MOK008"} <= failed
    assert content["summary"]["failed"] == len(failed)


def test_output_goes_to_a_file(write: Write, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    assert main([str(write(BROKEN)), "--format", "json", "--output", str(target)]) == 1
    assert json.loads(target.read_text())["version"] == 1


def test_output_that_cannot_be_written_is_wrong_use(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(write()), "--output", str(tmp_path / "no" / "file")]) == 2
    assert "Cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["MOK006", "H1", "retry-count-constant", "h1"])
def test_a_rule_or_a_clause_is_explained(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--explain", what]) == 0
    assert "MOK006 retry-count-constant" in capsys.readouterr().out


def test_explaining_the_unknown_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--explain", "Z99"]) == 2
    assert "Z99" in capsys.readouterr().err


def test_the_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-rules"]) == 0
    out = capsys.readouterr().out
    codes = [line.split()[0] for line in out.splitlines()]
    assert codes == sorted(set(codes))
    assert {f"MOK00{n}" for n in range(10)} <= set(codes)


def test_unsure_alone_fails_only_when_strict(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write({DEPLOYER: ""})
    (rule,) = (r for r in all_rules() if r.code == "MOK006")
    monkeypatch.setattr(runner, "all_rules", lambda: [rule])
    assert main([str(root)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Results: 0 passed, 0 failed, 1 unsure"
    assert main([str(root), "--strict"]) == 1


def test_it_starts_without_metaflow_jinja_yaml_and_pytest(write: Write) -> None:
    program = (
        "import sys\n"
        "from metaflow_orchestrator_kit.validate.cli import main\n"
        f"main([{str(write(BROKEN))!r}])\n"
        "heavy = {'metaflow', 'jinja2', 'yaml', 'pytest', 'click', 'rich'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_it_never_runs_the_code_it_reads(write: Write, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    code = f"open({str(trap)!r}, 'w')\n" + BROKEN[COMPILER]
    main([str(write({COMPILER: code}))])
    assert not trap.exists()
