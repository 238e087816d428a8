"""Which rules are asked and what counts: options, and the author's pyproject.toml."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.validate.cli import main
from metaflow_orchestrator_kit.validate.findings import (
    Confidence,
    Finding,
    Outcome,
    Severity,
    Verdict,
)
from metaflow_orchestrator_kit.validate.rules import all_rules
from metaflow_orchestrator_kit.validate.rules.examples import COMPILER
from metaflow_orchestrator_kit.validate.selection import (
    UnknownSelectorError,
    confident,
    selected,
)
from metaflow_orchestrator_kit.validate.settings import Settings, SettingsError, read_settings

Write = Callable[..., Path]
RULES = list(all_rules())
BROKEN = {
    COMPILER: "def command(node):\n"
    '    return ["python", "f.py", "step", node, "--run-id", "r", "--retry-count", "0"]\n'
}
TABLE = "[tool.metaflow-orchestrator-kit]\n"


def _codes(select: list[str], ignore: list[str] = []) -> set[str]:  # noqa: B006
    return {rule.code for rule in selected(RULES, select, ignore)} - {"MOK000"}


@pytest.mark.parametrize("selector", ["MOK006", "mok006", "retry-count-constant", " MOK006 "])
def test_a_rule_is_selected_by_code_or_name(selector: str) -> None:
    assert _codes([selector]) == {"MOK006"}


def test_a_clause_selects_the_rules_that_check_it() -> None:
    assert _codes(["h1"]) == {rule.code for rule in RULES if "H1" in rule.clauses}


def test_a_group_selects_the_rules_of_its_clauses() -> None:
    wanted = {rule.code for rule in RULES if any(c[0] == "H" for c in rule.clauses)}
    assert _codes(["H"]) == wanted
    assert len(wanted) > 1


def test_what_is_ignored_is_taken_from_what_is_selected() -> None:
    assert _codes(["H"], ["MOK006"]) == _codes(["H"]) - {"MOK006"}
    assert "MOK006" not in _codes([], ["H1"])


def test_what_cannot_be_read_is_reported_whatever_is_selected() -> None:
    assert "MOK000" in {rule.code for rule in selected(RULES, ["MOK006"], [])}
    assert "MOK000" in {rule.code for rule in selected(RULES, [], ["A4"])}
    assert "MOK000" not in {rule.code for rule in selected(RULES, [], ["MOK000"])}


@pytest.mark.parametrize("ignore", [["MOK999"], ["Z9"], ["Z"], ["retry"]])
def test_an_unknown_selector_is_an_error_that_names_it(ignore: list[str]) -> None:
    with pytest.raises(UnknownSelectorError, match=f"'{ignore[0]}'.*--list-rules"):
        selected(RULES, [], ignore)


def test_a_selection_that_leaves_nothing_is_an_error() -> None:
    with pytest.raises(UnknownSelectorError, match="nothing is left"):
        selected(RULES, ["MOK006"], ["H1"])


@pytest.mark.parametrize("option", ["--select", "--ignore"])
def test_an_unknown_selector_is_wrong_use(
    option: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(write()), option, "MOK006,MOK999"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "MOK999" in captured.err


def test_options_are_repeated_and_take_lists(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--select", "MOK001,MOK002", "--select", "MOK006", "--format", "json"]
    assert main([str(write(BROKEN)), *options]) == 1
    content = json.loads(capsys.readouterr().out)
    assert [rule["code"] for rule in content["rules"]] == ["MOK001", "MOK002", "MOK006"]


def _outcome(*levels: Confidence) -> Outcome:
    findings = tuple(
        Finding("MOK006", "n", ("H1",), Severity.ERROR, level, "a.py", n, 1, n, "said", "fix")
        for n, level in enumerate(levels, 1)
    )
    return Outcome("MOK006", "n", ("H1",), Verdict.FAIL, findings)


def test_findings_below_the_confidence_make_a_rule_unsure_and_never_pass() -> None:
    outcome = confident(_outcome(Confidence.LOW, Confidence.MEDIUM), Confidence.HIGH)
    assert outcome.verdict is Verdict.UNSURE
    assert outcome.findings == ()
    assert [note.line for note in outcome.unsure] == [1, 2]
    assert "low confidence" in outcome.unsure[0].text


def test_findings_of_enough_confidence_stay() -> None:
    outcome = confident(_outcome(Confidence.LOW, Confidence.MEDIUM), Confidence.MEDIUM)
    assert outcome.verdict is Verdict.FAIL
    assert [finding.line for finding in outcome.findings] == [2]


def test_the_table_of_the_nearest_pyproject_is_read(tmp_path: Path) -> None:
    text = f'{TABLE}select = ["H", "MOK001"]\nignore = ["H3"]\nmin-confidence = "medium"\n'
    (tmp_path / "pyproject.toml").write_text(text + 'strict = true\nbaseline = "old.json"\n')
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    assert read_settings(below) == Settings(
        ("H", "MOK001"), ("H3",), Confidence.MEDIUM, True, tmp_path / "old.json"
    )


def test_a_pyproject_outside_the_repository_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f"{TABLE}strict = true\n")
    repository = tmp_path / "repository"
    (repository / ".git").mkdir(parents=True)
    assert read_settings(repository) == Settings()


def test_a_pyproject_that_says_nothing_of_the_kit_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "metaflow-orchestrator-kit-x"\n')
    assert read_settings(tmp_path) == Settings()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f"{TABLE}selekt = []\n", "selekt"),
        (f'{TABLE}select = "H"\n', "select"),
        (f"{TABLE}ignore = [1]\n", "ignore"),
        (f'{TABLE}strict = "yes"\n', "strict"),
        (f'{TABLE}min-confidence = "sure"\n', "low, medium, high"),
        (f"{TABLE}min-confidence = []\n", "min-confidence"),
        (f"{TABLE}baseline = 1\n", "baseline"),
        (f"{TABLE}select = [\n", "not valid TOML"),
        ("[tool]\nmetaflow-orchestrator-kit = 1\n", "must be a table"),
    ],
)
def test_a_malformed_table_is_an_error_that_names_the_key_and_the_file(
    text: str, named: str, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(SettingsError, match=r"pyproject\.toml") as caught:
        read_settings(tmp_path)
    assert named in str(caught.value)


def test_a_malformed_table_is_wrong_use(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    root = write({"pyproject.toml": f"{TABLE}selekt = []\n"})
    assert main([str(root)]) == 2
    assert "selekt" in capsys.readouterr().err


def test_the_command_line_comes_before_the_table(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write({**BROKEN, "pyproject.toml": f'{TABLE}select = ["MOK001"]\nstrict = true\n'})
    assert main([str(root)]) == 0
    assert "MOK006" not in capsys.readouterr().out
    assert main([str(root), "--select", "MOK006"]) == 1
    assert "FAIL   MOK006" in capsys.readouterr().out


def test_a_selector_of_the_table_that_is_unknown_is_wrong_use(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write({"pyproject.toml": f'{TABLE}ignore = ["MOK999"]\n'})
    assert main([str(root)]) == 2
    assert "MOK999" in capsys.readouterr().err


def test_the_table_in_the_readme_is_one_that_is_read(tmp_path: Path) -> None:
    readme = Path(__file__).parents[2] / "README.md"
    (table,) = re.findall(r"```toml\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(table)
    settings = read_settings(tmp_path)
    assert settings.baseline is not None
    assert selected(RULES, settings.select, settings.ignore)
