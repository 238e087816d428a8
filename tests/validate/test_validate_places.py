"""The same fault in several places: mending one takes one finding away and changes no other."""

from __future__ import annotations

from pathlib import Path

from metaflow_orchestrator_kit.validate.findings import Finding
from metaflow_orchestrator_kit.validate.rules import all_rules, examples
from metaflow_orchestrator_kit.validate.runner import validate

FIRST = """\
def depends(node):
    if node.name == "start":
        return []
    return list(node.in_funcs)
"""
SECOND = """\
def kind(step):
    if step.name == "start":
        return "entry"
    if step.name == "start" or step.index:
        return "later"
    return "none"
"""


def _found(root: Path, body: str) -> list[Finding]:
    for path, text in examples.with_files(examples.compiler(body)).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return validate(root, [r for r in all_rules() if r.code == "MOK202"]).findings


def test_each_function_has_a_finding_of_its_own(tmp_path: Path) -> None:
    assert [f.line for f in _found(tmp_path, FIRST + SECOND)] == [2, 6]


def test_mending_one_function_leaves_the_finding_of_the_other_as_it_was(tmp_path: Path) -> None:
    def said(findings: list[Finding]) -> list[tuple[str, str, int, str]]:
        return [(f.code, f.path, f.line, f.message) for f in findings]

    before = said(_found(tmp_path / "before", FIRST + SECOND))
    mended = FIRST.replace('node.name == "start"', "node.name == graph.start_step")
    after = said(_found(tmp_path / "after", mended + SECOND))
    assert len(before) == 2
    assert after == before[1:]
