"""Validate a directory: analyse it once, ask every rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from metaflow_orchestrator_kit.validate.analysis import Analysis, analyse
from metaflow_orchestrator_kit.validate.findings import Note, Outcome, Report, Verdict
from metaflow_orchestrator_kit.validate.model.interpreter import Interpreter
from metaflow_orchestrator_kit.validate.rules import Rule, all_rules

#: Speaks up only when a file cannot be read; otherwise it does not count among the rules.
UNREADABLE = "MOK000"


def validate(directory: Path, rules: Sequence[type[Rule]] | None = None) -> Report:
    """Everything the rules have to say about the extension(s) under *directory*."""
    analysis = analyse(directory)
    outcomes = [_ask(rule, analysis) for rule in (all_rules() if rules is None else rules)]
    shown = tuple(
        o for o in outcomes if o.code != UNREADABLE or o.verdict is not Verdict.NOT_APPLICABLE
    )
    lost = tuple(dict.fromkeys(text for text, _ in analysis.lost))
    return Report(str(directory), shown, tuple(analysis.project.skipped), lost)


def _ask(rule: type[Rule], analysis: Analysis) -> Outcome:
    """The outcome of a rule; a mistake of the rule itself is said, and costs no other rule."""
    try:
        return rule().run(analysis)
    except Exception as error:
        if Interpreter.raise_errors:
            raise
        text = f"the rule itself failed ({type(error).__name__}: {error})"
        note = Note(".", 1, text)
        return Outcome(rule.code, rule.name, rule.clauses, Verdict.UNSURE, unsure=(note,))
