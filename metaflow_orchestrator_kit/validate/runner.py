"""Validate a directory: analyse it once, ask every rule, leave out what may stay."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from metaflow_orchestrator_kit.validate import (
    baseline,
    scope,
    suppressions,
    suppressions_text,
    third_party,
)
from metaflow_orchestrator_kit.validate.analysis import Analysis, analyse
from metaflow_orchestrator_kit.validate.findings import Note, Outcome, Report, Verdict
from metaflow_orchestrator_kit.validate.model.interpreter import Interpreter
from metaflow_orchestrator_kit.validate.modules import lines_of
from metaflow_orchestrator_kit.validate.project import Project
from metaflow_orchestrator_kit.validate.records import replace
from metaflow_orchestrator_kit.validate.rules import Rule, all_rules
from metaflow_orchestrator_kit.validate.selection import UNREADABLE, confident, selected
from metaflow_orchestrator_kit.validate.settings import Settings
from metaflow_orchestrator_kit.validate.sources import read

NO_SCHEDULER = (
    "This extension brings no scheduler: no deployer, no `init`, no `create` or `trigger`. "
    "Only the rules on how extensions are packaged (group A) were asked."
)


def catalogue() -> Sequence[type[Rule]]:
    """The kit's rules: those of ``rules/``, those on comments, and on the rules of others."""
    own = [*all_rules(), *suppressions.RULES, third_party.RuleBroken]
    return sorted(own, key=lambda rule: rule.code)


def everything() -> Sequence[type[Rule]]:
    """Every rule that may report something here, those that other distributions bring included."""
    return sorted([*catalogue(), *third_party.installed().rules], key=lambda rule: rule.code)


def validate(directory: Path, rules: Sequence[type[Rule]] | None = None) -> Report:
    """Everything the rules have to say about the extension(s) under *directory*."""
    with _seldom_collected():
        return _validate(directory, rules)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Let Python look for cycles of garbage less often: nearly all that is made here is kept.

    With its usual thresholds it looks through every syntax tree again and again.
    """
    if not gc.isenabled():
        yield
        return
    before = gc.get_threshold()
    gc.set_threshold(300_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _validate(directory: Path, rules: Sequence[type[Rule]] | None) -> Report:
    analysis = analyse(directory)
    brought = third_party.installed()
    asked = [*all_rules(), *brought.rules, third_party.RuleBroken] if rules is None else rules
    problems = brought.problems if third_party.RuleBroken in asked else ()
    outcomes = [_ask(rule, analysis) for rule in asked if rule is not third_party.RuleBroken]
    outcomes.extend(third_party.outcomes(problems, outcomes))
    known = frozenset(rule.code for rule in everything())
    comments = _comments(analysis.project, outcomes)
    judged = suppressions.apply(outcomes, comments, known)
    shown = tuple(
        o for o in judged if o.code != UNREADABLE or o.verdict is not Verdict.NOT_APPLICABLE
    )
    lost = tuple(dict.fromkeys(t for t, _ in analysis.lost)) if analysis.is_followed else ()
    paths = {f.path for o in judged for f in (*o.findings, *o.accepted)}
    lines = _lines(analysis.project, paths)
    remarks = (NO_SCHEDULER,) if scope.is_other_extension(analysis) else ()
    return Report(str(directory), shown, tuple(analysis.project.skipped), lost, lines, remarks)


def validate_as(directory: Path, settings: Settings, known: bool = True) -> Report:
    """What counts of it under these settings; with *known* also without what is in the baseline.

    Raises:
        UnknownSelectorError: a selector fits no rule.
        BaselineError: the baseline cannot be read.
    """
    askable = [*all_rules(), *third_party.installed().rules, third_party.RuleBroken]
    rules = selected(askable, settings.select, settings.ignore)
    accepted = baseline.read_baseline(settings.baseline) if settings.baseline and known else None
    report = validate(directory, rules)
    outcomes = tuple(confident(o, settings.min_confidence) for o in report.outcomes)
    report = replace(report, outcomes=outcomes)
    return report if accepted is None else baseline.accept_known(report, accepted)


def _comments(project: Project, outcomes: Sequence[Outcome]) -> list[suppressions.Suppression]:
    """What the author lets pass, in Python and in other files that are read."""
    found = suppressions.suppressions(project.modules)
    python = {module.path for module in project.modules}
    paths = {f.path for o in outcomes for f in o.findings}
    paths.update(path.relative_to(project.root).as_posix() for path in project.templates)
    others = {path for path in paths - python if (project.root / path).is_file()}
    return [*found, *suppressions_text.in_files(project.root, others)]


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
        if reason := scope.why_not(rule, analysis):
            note = Note(".", 1, reason)
            return Outcome(
                rule.code, rule.name, rule.clauses, Verdict.NOT_APPLICABLE, evidence=(note,)
            )
        return rule().run(analysis)
    except Exception as error:
        if Interpreter.raise_errors and not third_party.is_third_party(rule):
            raise
        text = f"{third_party.CRASHED} ({type(error).__name__}: {error})"
        note = Note(".", 1, text)
        return Outcome(rule.code, rule.name, rule.clauses, Verdict.UNSURE, unsure=(note,))
