"""A worksheet for a first adoption: what fails now, by its likely cause, and a list to begin with.

Forty reds are seldom forty faults. Cases that saw the same thing go wrong are one entry here, and
what is only blocked by them is not counted again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from metaflow_orchestrator_kit.compliance.grammar import several
from metaflow_orchestrator_kit.compliance.known.update import fragment
from metaflow_orchestrator_kit.compliance.report.document import Document
from metaflow_orchestrator_kit.compliance.report.markdown import cell
from metaflow_orchestrator_kit.compliance.report.table import counts
from metaflow_orchestrator_kit.compliance.verdict import Result, Verdict
from metaflow_orchestrator_kit.contract import clause

_TITLE = re.compile(r"^(\w[\w ]{0,10}?) {2,}(?=\S)|^(expected|observed|likely)$")
_ERROR = re.compile(r"^\s*([A-Za-z_][\w.]*(?:Error|Exception|Failed|GaveUp|NotFound)\b.*)")
_CAUSE = re.compile(r"^\s+1\. (.*)$", re.MULTILINE)
_VOLATILE = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8,}|\d+(\.\d+)?|\S*/\S+|X[0-9a-f]{8}")


@dataclass(slots=True)
class Group:
    """Cases that most likely fail for one reason."""

    cause: str
    seen: str
    """The last line of what was observed, of the first of them."""
    results: list[Result] = field(default_factory=list)


def triage(report: Document) -> str:
    """The worksheet, in Markdown."""
    return "\n".join(_lines(report)) + "\n"


def group(results: Sequence[Result]) -> list[Group]:
    """The failures by cause: the same error, or else the same likely cause; large ones first."""
    found: dict[str, Group] = {}
    for result in results:
        if result.verdict not in (Verdict.FAILED, Verdict.ERROR):
            continue
        seen = observed(result.message)
        error = _ERROR.match(seen)
        cause = _CAUSE.search(result.message)
        words = seen if error or cause is None else cause[1]
        key = _VOLATILE.sub("…", words)
        found.setdefault(key, Group(words, seen)).results.append(result)
    return sorted(found.values(), key=lambda one: -len(one.results))


def observed(message: str) -> str:
    """The last line of what a message says was observed; of an error's text, its own line."""
    lines = message.splitlines()
    inside: list[str] = []
    for number, line in enumerate(lines):
        if line.startswith("observed"):
            inside = [line.removeprefix("observed")]
            for following in lines[number + 1 :]:
                if not following.startswith(" "):
                    break
                inside.append(following)
    shown = [_bare(line.strip()) for line in inside or lines[:1]]
    shown = [line for line in shown if line] or ["no message"]
    errors = [match[1] for line in shown if (match := _ERROR.match(line))]
    return (errors or shown)[-1]


def _bare(line: str) -> str:
    """Without the quotes and brackets of a text that was shown as Python writes it."""
    return line.strip("('\",)") if line[:1] in ("(", "'", '"') else line


def _lines(report: Document) -> Iterator[str]:
    results = [Result.from_json(case) for case in report["cases"]]
    groups = group(results)
    name = report["extension"]["distribution"] or report["extension"]["type"]
    yield f"# What fails now: {cell(name)} on Metaflow {report['metaflow']}"
    yield ""
    yield counts(results).replace("\n", " ") + "."
    yield ""
    yield "Take the groups from the top: one mended fault often turns several cases, and those that"
    yield "are blocked run only then. Tick what is done; what stays goes into the list at the end."
    for number, one in enumerate(groups, 1):
        yield from _group(number, one)
    blocked = [result for result in results if result.verdict is Verdict.BLOCKED]
    if blocked:
        silent = several(len(blocked), "case says", "cases say")
        yield from ("", f"## Blocked: {silent} nothing yet", "")
        yield from (f"- `{one.case}`: {cell(one.message)}" for one in blocked)
    failed = [one for one in results if one.verdict in (Verdict.FAILED, Verdict.BLOCKED)]
    yield from ("", "## Known failures, to begin with", "")
    if not failed:
        yield "Nothing fails: no list is needed."
        return
    yield "Fill in each `reason`, or the link of an issue, and give the list to `--known-failures`."
    yield from ("", "```yaml")
    for result in failed:
        yield f"- case: {result.case}"
        yield f"  message: {json.dumps(fragment(result.message), ensure_ascii=False)}"
        yield "  reason:"
    yield "```"


def _group(number: int, one: Group) -> Iterator[str]:
    cases = several(len(one.results), "case", "cases")
    yield from ("", f"## {number}. {cell(one.cause)[:110]} ({cases})", "")
    yield f"Seen: `{one.seen[:300].replace('`', '´')}`"
    yield ""
    for result in one.results:
        need = "required" if result.required else "optional"
        yield f"- [ ] `{result.case}` ({result.cap}, {need}): {cell(result.promise)}"
    yield ""
    for name in dict.fromkeys(id for result in one.results for id in result.clauses):
        yield f"  - {name}: {cell(clause(name).title)}"
    first = one.results[0]
    yield ""
    again = next(
        (
            line[len("again") :].strip()
            for line in first.message.splitlines()
            if line.startswith("again ")
        ),
        "",
    )
    if again:
        yield f"Again: `{again}`"
    if first.evidence:
        yield f"Evidence: `{first.evidence}`"
