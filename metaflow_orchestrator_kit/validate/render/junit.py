"""The report as JUnit XML: a test case for each rule."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from metaflow_orchestrator_kit.validate.findings import Outcome, Report, Verdict
from metaflow_orchestrator_kit.validate.records import regex

#: What XML 1.0 has no way to write.
_FORBIDDEN = regex("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    """One suite; a rule that is unsure, does not apply or is accepted counts as skipped."""
    failed = report.counts[Verdict.FAIL]
    skipped = len(report.outcomes) - failed - report.counts[Verdict.PASS]
    counts = f'tests="{len(report.outcomes)}" failures="{failed}" errors="0" skipped="{skipped}"'
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<testsuites name="metaflow-orchestrator-validate" {counts}>',
        f"  <testsuite name={_attribute(report.directory)} {counts}>",
    ]
    for outcome in report.outcomes:
        lines.extend(_case(outcome))
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"]) + "\n"


def _case(outcome: Outcome) -> list[str]:
    name = _attribute(f"{outcome.code} {outcome.name}")
    opening = f"    <testcase classname={_attribute(outcome.code)} name={name}"
    if outcome.verdict is Verdict.PASS:
        return [f"{opening}/>"]
    lines = [f"{opening}>"]
    if outcome.verdict is Verdict.FAIL:
        found = outcome.findings
        text = "\n".join(f"{f.path}:{f.line}:{f.column}: {f.message}\nFix: {f.help}" for f in found)
        severity = _attribute(found[0].severity.value)
        said = _attribute(found[0].message)
        lines.append(f"      <failure type={severity} message={said}>{_text(text)}</failure>")
    else:
        notes = outcome.unsure if outcome.verdict is Verdict.UNSURE else ()
        said = "; ".join([outcome.verdict.value, *(n.text for n in notes)])
        lines.append(f"      <skipped message={_attribute(said)}/>")
    return [*lines, "    </testcase>"]


def _text(text: str) -> str:
    return escape(_FORBIDDEN.sub("�", text))


def _attribute(text: str) -> str:
    return quoteattr(_FORBIDDEN.sub("�", text))
