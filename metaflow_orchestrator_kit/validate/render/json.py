"""The report for programs. The keys are stable; ``version`` changes when they do."""

from __future__ import annotations

import json
from typing import Any

from metaflow_orchestrator_kit.validate.findings import Finding, Fix, Note, Report, Verdict
from metaflow_orchestrator_kit.validate.records import as_dict
from metaflow_orchestrator_kit.validate.render.text import most_broken

VERSION = 1


def render(report: Report, statistics: bool = False) -> str:
    """The whole report as a JSON object; *statistics* adds how often each rule is broken."""
    counts = report.counts
    content: dict[str, Any] = {
        "version": VERSION,
        "directory": report.directory,
        "findings": [_finding(f) for f in report.findings],
        "rules": [
            {
                "code": o.code,
                "name": o.name,
                "clauses": list(o.clauses),
                "verdict": o.verdict.value,
                "evidence": [_note(n) for n in o.evidence],
            }
            for o in report.outcomes
        ],
        "accepted": [_finding(f) for f in report.accepted],
        "unsure": [{"code": o.code, **_note(n)} for o in report.outcomes for n in o.unsure],
        "skipped": [{"path": s.path, "reason": s.reason} for s in report.skipped],
        "lost": list(report.lost),
        "remarks": list(report.remarks),
        "summary": {
            "passed": counts[Verdict.PASS],
            "failed": counts[Verdict.FAIL],
            "unsure": counts[Verdict.UNSURE],
            "not_applicable": counts[Verdict.NOT_APPLICABLE],
            "accepted": counts[Verdict.ACCEPTED],
            "findings": len(report.findings),
        },
    }
    if statistics:
        content["statistics"] = [
            {"code": o.code, "name": o.name, "findings": len(o.findings)}
            for o in most_broken(report)
        ]
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "clause": finding.clauses[0] if finding.clauses else None,
        "clauses": list(finding.clauses),
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "end_line": finding.end_line,
        "message": finding.message,
        "help": finding.help,
        "fixable": finding.fixable,
        "fix": _fix(finding.fix),
    }


def _fix(fix: Fix | None) -> dict[str, Any] | None:
    """The edits, for editors that offer them; lines and columns count from 1, in characters."""
    if fix is None:
        return None
    return {"safe": fix.safe, "edits": [as_dict(edit) for edit in fix.edits]}


def _note(note: Note) -> dict[str, Any]:
    return {"path": note.path, "line": note.line, "text": note.text}
