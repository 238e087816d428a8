"""Validate a directory: analyse it once, ask every rule, leave out what may stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from metaflow_orchestrator_kit.validate import baseline, suppressions
from metaflow_orchestrator_kit.validate.analysis import Analysis, analyse
from metaflow_orchestrator_kit.validate.findings import Note, Outcome, Report, Verdict
from metaflow_orchestrator_kit.validate.model.interpreter import Interpreter
from metaflow_orchestrator_kit.validate.modules import lines_of
from metaflow_orchestrator_kit.validate.project import Project
from metaflow_orchestrator_kit.validate.rules import Rule, all_rules
from metaflow_orchestrator_kit.validate.selection import UNREADABLE, confident, selected
from metaflow_orchestrator_kit.validate.settings import Settings
from metaflow_orchestrator_kit.validate.sources import read


def catalogue() -> Sequence[type[Rule]]:
    """Every rule that may report something: those of ``rules/``, and those on comments."""
    return sorted([*all_rules(), *suppressions.RULES], key=lambda rule: rule.code)


def validate(directory: Path, rules: Sequence[type[Rule]] | None = None) -> Report:
    """Everything the rules have to say about the extension(s) under *directory*."""
    analysis = analyse(directory)
    outcomes = [_ask(rule, analysis) for rule in (all_rules() if rules is None else rules)]
    known = frozenset(rule.code for rule in catalogue())
    comments = suppressions.suppressions(analysis.project.modules)
    judged = suppressions.apply(outcomes, comments, known)
    shown = tuple(
        o for o in judged if o.code != UNREADABLE or o.verdict is not Verdict.NOT_APPLICABLE
    )
    lost = tuple(dict.fromkeys(text for text, _ in analysis.lost))
    paths = {f.path for o in judged for f in (*o.findings, *o.accepted)}
    lines = _lines(analysis.project, paths)
    return Report(str(directory), shown, tuple(analysis.project.skipped), lost, lines)


def validate_as(directory: Path, settings: Settings, known: bool = True) -> Report:
    """What counts of it under these settings; with *known* also without what is in the baseline.

    Raises:
        UnknownSelectorError: a selector fits no rule.
        BaselineError: the baseline cannot be read.
    """
    rules = selected(all_rules(), settings.select, settings.ignore)
    accepted = baseline.read_baseline(settings.baseline) if settings.baseline and known else None
    report = validate(directory, rules)
    outcomes = tuple(confident(o, settings.min_confidence) for o in report.outcomes)
    report = replace(report, outcomes=outcomes)
    return report if accepted is None else baseline.accept_known(report, accepted)


def _lines(project: Project, paths: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """The text of these files, in the lines that Python counts."""
    parsed = {module.path: module.source for module in project.modules}
    found: dict[str, Sequence[str]] = {}
    for path in paths:
        text = parsed.get(path)
        if text is None and (project.root / path).is_file():
            try:
                text = read(project.root / path)
            except ValueError:
                # It is reported because of that; there is nothing to show.
                continue
        if text is not None:
            found[path] = lines_of(text)
    return found


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
