"""`--fix` and `--diff`: what is repaired, what stays as it is, and that it is repaired for good."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.validate import fixing
from metaflow_orchestrator_kit.validate.cli import main
from metaflow_orchestrator_kit.validate.findings import Edit, Finding, Fix
from metaflow_orchestrator_kit.validate.rules import Example, Judge, Rule, all_rules
from metaflow_orchestrator_kit.validate.rules.examples import CLI, COMPILER, OBJECTS, cli
from metaflow_orchestrator_kit.validate.runner import validate

Write = Callable[..., Path]
ALWAYS_FIXABLE = ("MOK003", "MOK109", "MOK133", "MOK310")
EXAMPLES = [
    (rule, example)
    for rule in all_rules()
    if rule.code in (*ALWAYS_FIXABLE, "MOK126", "MOK256", "MOK301", "MOK904")
    for example in rule.INVALID
]
HEAD = (
    "from metaflow.runner.deployer import DeployedFlow\n"
    "from metaflow.runner.utils import get_lower_level_group\n"
    "class Acme(DeployedFlow):\n"
    "    def trigger(self, **kwargs):\n"
    '        group = get_lower_level_group(self.deployer.api, {}, "acme", {})\n'
)


def _name(case: object) -> str:
    return case.title if isinstance(case, Example) else getattr(case, "name", "")


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=_name)
def test_what_is_said_to_be_fixable_is_repaired_and_stays_so(
    rule: type[Rule], example: Example, write: Write
) -> None:
    root = write(example.files)
    (outcome,) = validate(root, [rule]).outcomes
    mended = [f for f in outcome.findings if f.fix]
    assert mended or rule.code not in ALWAYS_FIXABLE
    if not mended:
        return
    made = fixing.changes(root, mended)
    fixing.write(root, made)
    for change in made:
        ast.parse((root / change.path).read_text())
    (after,) = validate(root, [rule]).outcomes
    assert [f for f in after.findings if f.fix] == []
    assert len(after.findings) == len(outcome.findings) - len(mended)


def test_a_diff_is_printed_and_nothing_written(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    text = HEAD + "        return group.trigger(run_params=tuple(kwargs))\n"
    root = write({OBJECTS: text})
    assert main([str(root), "--select", "MOK003", "--diff"]) == 1
    shown = capsys.readouterr().out
    assert f"--- a/{OBJECTS}\n+++ b/{OBJECTS}\n" in shown
    assert "-        return group.trigger(run_params=tuple(kwargs))\n" in shown
    assert "+        return group.trigger(run_params=list(kwargs))\n" in shown
    assert (root / OBJECTS).read_text() == text


def test_a_diff_of_nothing_is_empty_and_clean(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write({OBJECTS: HEAD + "        return group.trigger(run_params=list(kwargs))\n"})
    assert main([str(root), "--select", "MOK003", "--diff"]) == 0
    assert capsys.readouterr().out == ""


def test_formatting_comments_line_ends_encoding_and_mode_are_kept(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    source = (
        "# -*- coding: latin-1 -*-\r\n"
        + HEAD.replace("\n", "\r\n")
        + '        return  group.trigger(  # größer\r\n            run_params=( "ü",\r\n'
        '            "b" ), )\r\n'
    )
    root = write({OBJECTS: HEAD})
    (root / OBJECTS).write_bytes(source.encode("latin-1"))
    (root / OBJECTS).chmod(0o640)
    assert main([str(root), "--select", "MOK003", "--fix"]) == 0
    changed = (root / OBJECTS).read_bytes().decode("latin-1")
    assert changed == source.replace('( "ü",', '[ "ü",').replace('"b" ), )', '"b" ], )')
    assert (root / OBJECTS).stat().st_mode & 0o777 == 0o640
    assert "Fixed 1 finding in 1 file." in capsys.readouterr().out


def test_what_chooses_for_the_author_is_changed_only_on_demand(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    source = (
        "import requests\ndef start(url):\n"
        "    return requests.post(url,\n      json={},  # x\n    )\n"
    )
    root = write({COMPILER: source})
    assert main([str(root), "--select", "MOK904", "--fix"]) == 1
    assert (root / COMPILER).read_text() == source
    assert "1 with --fix --unsafe-fixes" in " ".join(capsys.readouterr().out.split())
    assert main([str(root), "--select", "MOK904", "--fix", "--unsafe-fixes"]) == 0
    assert (root / COMPILER).read_text() == source.replace("json={},", "json={}, timeout=30")


def test_what_others_may_need_as_a_tuple_is_changed_only_on_demand(write: Write) -> None:
    text = HEAD + '        pairs = "a", "b"\n        return group.trigger(run_params=pairs)\n'
    root = write({OBJECTS: text})
    assert main([str(root), "--select", "MOK003", "--fix"]) == 1
    assert main([str(root), "--select", "MOK003", "--fix", "--unsafe-fixes"]) == 0
    assert 'pairs = ["a", "b"]\n' in (root / OBJECTS).read_text()


def test_a_comment_that_lets_nothing_pass_is_removed(write: Write) -> None:
    line = 'X = ["python", "f.py", "step", "a", "--run-id", "r", "--retry-count", "0"]'
    source = (
        f"{line}  # mok: ignore[MOK006, MOK904] no retries\n"
        "Y = 1  # mok: ignore[MOK904] long ago\n"
        "# mok: ignore[MOK904] longer ago\n"
        "Z = 1\n"
    )
    root = write({COMPILER: source})
    assert main([str(root), "--select", "MOK006,MOK904", "--fix"]) == 0
    kept = f"{line}  # mok: ignore[MOK006] no retries\nY = 1\nZ = 1\n"
    assert (root / COMPILER).read_text() == kept


def test_an_option_is_spelt_as_metaflow_does_in_generated_code_too(write: Write) -> None:
    source = (
        "def source(node, root):\n"
        '    return f"""\n'
        "import subprocess\n"
        "cmd = ['python', 'f.py', '--datastore_root', {root!r}, 'step', {node!r}]\n"
        "cmd += ['--run-id', 'r', '--task_id', 't']\n"
        'subprocess.run(cmd)\n"""\n'
    )
    root = write({COMPILER: source})
    assert main([str(root), "--select", "MOK301", "--fix"]) == 0
    kept = source.replace("--datastore_root", "--datastore-root").replace("--task_id", "--task-id")
    assert (root / COMPILER).read_text() == kept


def test_the_report_for_programs_says_what_is_fixable(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    body = HEAD + "        return group.trigger(run_params=tuple(kwargs))\n"
    other = 'X = ["python", "f.py", "step", "a", "--run-id", "r", "--retry-count", "0"]\n'
    root = write({OBJECTS: body, COMPILER: other})
    main([str(root), "--select", "MOK003,MOK006", "--format", "json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    assert {f["code"]: f["fixable"] for f in found} == {"MOK003": True, "MOK006": False}
    assert {f["code"]: f["fix"] and f["fix"]["safe"] for f in found} == {
        "MOK003": True,
        "MOK006": None,
    }


def test_findings_that_are_let_pass_are_left_alone(write: Write) -> None:
    text = (
        HEAD + "        return group.trigger(run_params=tuple(kwargs))  # mok: ignore[MOK003] x\n"
    )
    root = write({OBJECTS: text})
    assert main([str(root), "--select", "MOK003", "--fix", "--unsafe-fixes"]) == 0
    assert (root / OBJECTS).read_text() == text


def test_commands_that_print_use_metaflow_s_own_output(write: Write) -> None:
    body = (
        "@acme.command()\n@click.pass_obj\ndef create(obj):\n"
        '    print("done")\n    click.echo(f"in {obj}", err=True)\n'
    )
    root = write(cli(body))
    assert main([str(root), "--select", "MOK133", "--fix", "--unsafe-fixes"]) == 0
    text = (root / CLI).read_text()
    assert '    obj.echo("done")\n    obj.echo(f"in {obj}", err=True)\n' in text


def _finding(*edits: Edit) -> Finding:
    judge = Judge(next(rule for rule in all_rules() if rule.code == "MOK003"))
    judge.fail(None, f"at {edits}", "help", fix=Fix(edits))
    return judge.findings[0]


def test_of_fixes_that_overlap_the_first_is_made(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 12\n")
    one = _finding(Edit("a.py", 1, 5, 1, 7, "34"))
    two = _finding(Edit("a.py", 1, 6, 1, 7, "9"))
    (change,) = fixing.changes(tmp_path, [one, two])
    assert change.after == "x = 34\n"
    assert change.findings == (one,)


def test_what_would_not_parse_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 12\n")
    broken = _finding(Edit("a.py", 1, 5, 1, 7, "("))
    assert fixing.changes(tmp_path, [broken]) == []


def test_a_file_that_changed_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 12\n")
    made = fixing.changes(tmp_path, [_finding(Edit("a.py", 1, 5, 1, 7, "34"))])
    (tmp_path / "a.py").write_text("x = 'mine'\n")
    with pytest.raises(fixing.FixError, match="changed meanwhile"):
        fixing.write(tmp_path, made)
    assert (tmp_path / "a.py").read_text() == "x = 'mine'\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.py"]


def test_a_baseline_is_not_written_while_repairing(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write()
    options = ["--baseline", str(root / "b.json"), "--write-baseline", "--fix"]
    assert main([str(root), *options]) == 2
    assert "--write-baseline" in capsys.readouterr().err
    assert not (root / "b.json").exists()
