"""Whatever Python there is: the validator answers, and no rule and no model fails."""

from __future__ import annotations

import ast
import random
import sysconfig
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metaflow_orchestrator_kit.paths import templates
from metaflow_orchestrator_kit.validate.findings import Report, Verdict
from metaflow_orchestrator_kit.validate.render import github, junit, sarif
from metaflow_orchestrator_kit.validate.render import json as as_json
from metaflow_orchestrator_kit.validate.render import text as text_report
from metaflow_orchestrator_kit.validate.rules import all_rules
from metaflow_orchestrator_kit.validate.rules.examples import COMPILER, with_files
from metaflow_orchestrator_kit.validate.runner import catalogue, validate

EXAMPLES = [e.files for rule in all_rules() for e in (*rule.VALID, *rule.INVALID) if e.files]
OWN = sorted(templates().glob("extension/**/plugins/**/*.py"))
LIBRARY = Path(sysconfig.get_paths()["stdlib"])
AT_ONCE = 25
SAMPLE = 100
#: What turns one program into another that is nearly as right.
PIECES = [
    "", "None", "0", "-1", "''", "step", "init", "--retry-count", "--run-id", "*", "**", "()", "[]",
    "{}", "f'{x}'", "'%s' %", ".format(", "lambda: ", "yield ", "await ", "# mok: ignore[MOK006] r",
    "# mok: ignore[", "\n", "\t", '"""', "\\", "é", "日本", "\x0c", "return ", "del ", ":=", "@",
]  # fmt: skip
SLOW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _report(files: dict[str, str]) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, text in with_files(files).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8", errors="replace")
        report = validate(root)
    sarif.render(report, catalogue())
    for renderer in (text_report, as_json, github, junit):
        assert renderer.render(report)
    return report


def _assert_sound(report: Report) -> None:
    assert report.outcomes
    for outcome in report.outcomes:
        assert (outcome.verdict is Verdict.FAIL) == bool(outcome.findings)
    for finding in report.findings:
        assert finding.line >= 1
        assert finding.column >= 1


@st.composite
def _mutated(draw: st.DrawFn) -> dict[str, str]:
    """An example of a rule with pieces cut out, moved or put in."""
    files = dict(draw(st.sampled_from(EXAMPLES)))
    path = draw(st.sampled_from(sorted(files)))
    text = files[path]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        piece = draw(st.sampled_from([*PIECES, text[start : start + 40]]))
        text = text[:start] + piece + text[end:]
    files[path] = text
    return files


@pytest.mark.slow
@SLOW
@given(_mutated())
def test_a_mutated_example_is_judged_or_called_unreadable(files: dict[str, str]) -> None:
    _assert_sound(_report(files))


class _Shuffled(ast.NodeTransformer):
    """Puts expressions in each other's places: what parses, and what nobody would write."""

    def __init__(self, tree: ast.Module, seed: int) -> None:
        self.random = random.Random(seed)
        self.known = [n for n in ast.walk(tree) if type(n) in (ast.Constant, ast.Call, ast.List)]

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, ast.Constant | ast.Call | ast.List) and self.random.random() < 0.1:
            return self.random.choice(self.known)
        if isinstance(node, ast.BinOp) and self.random.random() < 0.3:
            node.op = self.random.choice([ast.Add(), ast.Mod(), ast.Mult(), ast.BitOr()])
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node


@pytest.mark.slow
@SLOW
@given(st.sampled_from(OWN), st.integers(0, 10_000))
def test_real_code_with_its_expressions_shuffled_is_judged(path: Path, seed: int) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    try:
        text = ast.unparse(ast.fix_missing_locations(_Shuffled(tree, seed).visit(tree)))
    except (ValueError, RecursionError):
        return
    _assert_sound(_report({COMPILER: text}))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(SAMPLE // AT_ONCE))
def test_a_sample_of_the_standard_library_is_judged(part: int) -> None:
    """The same files for every run on one Python: a failure can be looked at again."""
    files = [
        path
        for path in sorted(LIBRARY.rglob("*.py"))
        if not {"site-packages", "test", "tests"} & set(path.parts) and path.stat().st_size < 60_000
    ]
    chosen = random.Random(0).sample(files, SAMPLE)[part * AT_ONCE :][:AT_ONCE]
    folder = str(Path(COMPILER).parent)
    tree = {
        f"{folder}/{n}_{path.name}": path.read_text(encoding="utf-8", errors="replace")
        for n, path in enumerate(chosen)
    }
    _assert_sound(_report(tree))
