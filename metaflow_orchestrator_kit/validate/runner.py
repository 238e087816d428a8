"""Validate a directory: analyse it once, ask every rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from metaflow_orchestrator_kit.validate.analysis import analyse
from metaflow_orchestrator_kit.validate.findings import Report, Verdict
from metaflow_orchestrator_kit.validate.rules import Rule, all_rules

#: Speaks up only when a file cannot be read; otherwise it does not count among the rules.
UNREADABLE = "MOK000"


def validate(directory: Path, rules: Sequence[type[Rule]] | None = None) -> Report:
    """Everything the rules have to say about the extension(s) under *directory*."""
    analysis = analyse(directory)
    outcomes = [rule().run(analysis) for rule in (all_rules() if rules is None else rules)]
    shown = tuple(
        o for o in outcomes if o.code != UNREADABLE or o.verdict is not Verdict.NOT_APPLICABLE
    )
    return Report(str(directory), shown, tuple(analysis.project.skipped))
