"""Faults of extensions before and after they were mended, as a commit would: `pairs/*.diff`.

Each pair is code with the lines that go (`-`) and come (`+`). What is asked for is what makes a
validator useful in a history: the fault is told before, and not after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.validate.findings import Finding
from metaflow_orchestrator_kit.validate.rules import all_rules, examples
from metaflow_orchestrator_kit.validate.runner import validate

FILES = {
    "cli": examples.cli,
    "compiler": lambda text: {examples.COMPILER: text},
    "objects": lambda text: {examples.OBJECTS: text},
}
RULES = {rule.code: rule for rule in all_rules()}


@dataclass(frozen=True)
class Pair:
    """A fault: its title, the codes of rules that tell it, and the lines of its files."""

    topic: str
    title: str
    codes: tuple[str, ...]
    missed: bool
    lines: tuple[str, ...]

    def side(self, left_out: str) -> dict[str, str]:
        """The files without the lines that begin with *left_out*."""
        files: dict[str, list[str]] = {}
        for line in self.lines:
            if line.startswith("--- "):
                files[line.removeprefix("--- ")] = current = []
            elif not line.startswith(left_out):
                current.append(line[1:])
        found: dict[str, str] = {}
        for kind, lines in files.items():
            found.update(FILES[kind]("\n".join([*lines, ""])))
        return found


def _pairs() -> Iterator[Pair]:
    for path in sorted((Path(__file__).parent / "pairs").glob("*.diff")):
        for block in path.read_text(encoding="utf-8").split("=== ")[1:]:
            title, head, *lines = block.rstrip("\n").split("\n")
            codes = tuple(word for word in head.split() if word != "missed")
            yield Pair(path.stem, title, codes, "missed" in head.split(), tuple(lines))


PAIRS = list(_pairs())


def _found(root: Path, files: dict[str, str], codes: tuple[str, ...]) -> list[Finding]:
    for path, text in examples.with_files(files).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    outcomes = validate(root, [RULES[code] for code in codes if code in RULES]).outcomes
    return [f for o in outcomes if o.code in codes for f in o.findings]


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(
            p,
            id=f"{p.topic}: {p.title}",
            marks=[pytest.mark.xfail(strict=False, reason="not seen yet")] if p.missed else [],
        )
        for p in PAIRS
    ],
)
def test_a_fault_is_told_until_it_is_mended(pair: Pair, tmp_path: Path) -> None:
    before = _found(tmp_path / "before", pair.side("+"), pair.codes)
    after = _found(tmp_path / "after", pair.side("-"), pair.codes)
    told = [(f.code, f.message) for f in before]
    for code, message in [(f.code, f.message) for f in after]:
        if (code, message) in told:
            told.remove((code, message))
    assert told, "nothing that was told before is gone after"
    assert len(after) < len(before)


def test_most_faults_are_seen() -> None:
    missed = [p.title for p in PAIRS if p.missed]
    assert len(PAIRS) >= 80
    assert len(missed) * 4 < len(PAIRS)
