"""The report as Markdown, for the summary of a GitHub job."""

from __future__ import annotations

import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.compliance.grammar import unselected
from metaflow_orchestrator_kit.compliance.report.badge import badge
from metaflow_orchestrator_kit.compliance.report.document import Document
from metaflow_orchestrator_kit.compliance.report.table import groups, left_out, overall
from metaflow_orchestrator_kit.compliance.verdict import RED, Result, Verdict

_MARKS = {
    Verdict.PASSED: "✅",
    Verdict.REFUSED: "✅",
    Verdict.KNOWN_FAILURE: "🟡",
    Verdict.DISABLED: "➖",
    Verdict.NOT_RUN: "⚪",
}

_LIMIT = 200_000
"""GitHub refuses a summary of more than a mebibyte; the messages end before that."""


def markdown(report: Document) -> str:
    """A table by capability, then the red cases with their messages, then the known ones."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Document) -> Iterator[str]:
    results = [Result.from_json(case) for case in report["cases"]]
    extension = report["extension"]
    yield f"## Compliance of {cell(extension['distribution'] or extension['type'])}"
    yield ""
    yield f"**{cell(badge(report)['message'])}** · type `{extension['type']}`"
    yield f"· Metaflow {report['metaflow']} · Python {report['python']} · kit {report['kit']}"
    yield f"· {report['seconds']:g} s"
    if report["partial"]:
        yield ""
        yield unselected(sum(not result.selected for result in results))
    yield from ("", "| capability | | verdict | cases |", "| --- | --- | --- | --- |")
    notes = extension.get("notes", {})
    for name, kind in groups(results):
        own = [result for result in results if result.cap == name]
        verdict = overall(own)
        if verdict is not None:
            good = sum(result.verdict in (Verdict.PASSED, Verdict.REFUSED) for result in own)
            mark = _MARKS.get(verdict, "❌")
            note = f" · {cell(notes[name])}" if name in notes else ""
            yield f"| `{name}` | {kind} | {mark} {verdict.value}{note} | {good} of {len(own)} |"
    for line in left_out(results, width=10_000):
        yield from ("", cell(line))
    known = report["known_failures"]
    if known is not None and known["problems"]:
        yield from ("", "### Not as the list of known failures says", "")
        yield from (f"- {cell(problem)}" for problem in known["problems"])
    yield from _red([result for result in results if result.verdict in RED])
    if known is not None and known["entries"]:
        yield from ("", "### Known failures", "")
        yield from (f"- `{one['case']}`: {cell(one['reason'])}" for one in known["entries"])


def _red(results: list[Result]) -> Iterator[str]:
    if results:
        yield from ("", "### What is red", "")
    length = 0
    for result in results:
        length += len(result.message)
        if length > _LIMIT:
            yield "There is more in report.json."
            return
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", result.message)), default=0))
        clauses = ", ".join(result.clauses)
        yield f"<details><summary><code>{result.case}</code> {result.verdict.value} ({clauses})"
        yield f"</summary>\n\n{fence}text\n{result.message}\n{fence}\n\n</details>"


def cell(text: str) -> str:
    """Text that cannot break out of a table's cell, nor be taken for HTML."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return text.replace("|", "\\|")
