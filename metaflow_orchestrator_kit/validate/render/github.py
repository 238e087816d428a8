"""The report as workflow commands: GitHub shows each finding beside the changed line."""

from __future__ import annotations

from metaflow_orchestrator_kit.validate.findings import Finding, Report, Severity
from metaflow_orchestrator_kit.validate.render.places import (
    column,
    first_line,
    from_here,
    last_line,
)
from metaflow_orchestrator_kit.validate.render.text import summary

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "notice"}


def render(report: Report) -> str:
    """One command for each finding, and the result as a line of the log."""
    lines = [_command(report, finding) for finding in report.findings]
    return "\n".join([*lines, summary(report)]) + "\n"


def _command(report: Report, finding: Finding) -> str:
    properties = {
        "file": from_here(report, finding),
        "line": str(first_line(finding)),
        "endLine": str(last_line(finding)),
        "col": str(column(finding)),
        "title": f"{finding.code} {finding.name}",
    }
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = f"{finding.message}\nFix: {finding.help}"
    return f"::{_COMMANDS[finding.severity]} {given}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
