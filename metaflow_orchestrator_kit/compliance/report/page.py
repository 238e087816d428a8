"""The report as one HTML page that needs nothing else: no script, no network, no other file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metaflow_orchestrator_kit.compliance.grammar import unselected
from metaflow_orchestrator_kit.compliance.report.badge import badge
from metaflow_orchestrator_kit.compliance.report.document import Document
from metaflow_orchestrator_kit.compliance.report.table import groups, overall
from metaflow_orchestrator_kit.compliance.report.timeline import timeline
from metaflow_orchestrator_kit.compliance.verdict import RED, Result, Verdict

_TONES = {
    Verdict.PASSED: "good",
    Verdict.REFUSED: "good",
    Verdict.KNOWN_FAILURE: "known",
    Verdict.NOT_RUN: "none",
    Verdict.DISABLED: "none",
}


def page(report: Document) -> str:
    """The page: outcome, what is red beside its evidence, capabilities, runs."""
    import jinja2  # late: what only reads reports need not wait for it
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    results = [Result.from_json(case) for case in report["cases"]]
    runs = {
        run["scenario"]: {**run, "picture": Markup(timeline(run))}  # escaped there
        for run in report["runs"]
    }
    left_out = sum(not result.selected for result in results)
    text: str = environment.get_template("page.html.j2").render(
        report=report,
        badge=badge(report),
        matrix=[
            line
            for name, kind in groups(results)
            if (line := _line(name, kind, results, report)) is not None
        ],
        red=[result for result in results if result.verdict in RED],
        runs=runs,
        partial=unselected(left_out) if left_out else "",
        tone=lambda verdict: _TONES.get(Verdict(verdict), "bad"),
    )
    return text


def _line(
    name: str, kind: str, results: list[Result], report: Document
) -> Mapping[str, Any] | None:
    own = [result for result in results if result.cap == name]
    verdict = overall(own)
    if verdict is None:
        return None
    return {
        "name": name,
        "kind": kind,
        "note": report["extension"].get("notes", {}).get(name, ""),
        "verdict": verdict.value,
        "good": sum(result.verdict in (Verdict.PASSED, Verdict.REFUSED) for result in own),
        "cases": own,
    }
