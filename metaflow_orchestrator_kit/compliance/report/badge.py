"""A badge, as JSON for the endpoint of shields."""

from __future__ import annotations

from typing import Any

from metaflow_orchestrator_kit.compliance.grammar import several
from metaflow_orchestrator_kit.compliance.report.document import Document
from metaflow_orchestrator_kit.compliance.verdict import Exit

_RED = ("failed", "fixed", "blocked", "error")


def badge(report: Document) -> dict[str, Any]:
    """Green for a whole run that is green; a partial one never is."""
    counts = report["counts"]
    passed = f"{counts['passed']} passed"
    words, colour = [passed], "brightgreen"
    if report["exit_code"] == Exit.NOTHING_RAN:
        words, colour = ["nothing ran"], "lightgrey"
    elif report["exit_code"] != Exit.PASSED:
        words = [f"{counts[verdict]} {verdict}" for verdict in _RED if counts[verdict]]
        words, colour = [*(words or ["not complete"]), passed], "red"
    elif report["partial"]:
        words, colour = ["partial", passed], "yellow"
    elif counts["known-failure"]:
        known = several(counts["known-failure"], "known failure", "known failures")
        words, colour = [passed, known], "yellowgreen"
    return {
        "schemaVersion": 1,
        "label": f"metaflow on {report['extension']['type']}",
        "message": ", ".join(words),
        "color": colour,
    }
