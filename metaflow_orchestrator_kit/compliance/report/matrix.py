"""Several reports as one page that compares orchestrators, capability by capability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from metaflow_orchestrator_kit.compliance.report.badge import badge
from metaflow_orchestrator_kit.compliance.report.document import Document
from metaflow_orchestrator_kit.compliance.report.table import groups, overall
from metaflow_orchestrator_kit.compliance.verdict import RED, Result, Verdict

_GREEN = (Verdict.PASSED, Verdict.REFUSED)


@dataclass(frozen=True, slots=True)
class Cell:
    """One capability of one orchestrator."""

    word: str
    tone: str
    text: str
    """How many of the cases hold, or what the extension says about it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One capability."""

    name: str
    kind: str
    cells: tuple[Cell, ...]


def rows(reports: Sequence[Document]) -> list[Row]:
    """The capabilities that any of the reports says something about."""
    results = [[Result.from_json(case) for case in report["cases"]] for report in reports]
    names = groups([one for own in results for one in own])
    found = []
    for name, kind in names:
        cells = tuple(
            _cell([one for one in own if one.cap == name], _notes(report).get(name, ""))
            for own, report in zip(results, reports, strict=True)
        )
        if any(cell.word for cell in cells):
            found.append(Row(name, kind, cells))
    return found


def _notes(report: Document) -> Mapping[str, str]:
    notes: Mapping[str, str] = report["extension"].get("notes", {})
    return notes


def _cell(own: Sequence[Result], note: str) -> Cell:
    verdict = overall(own)
    if verdict is None:
        return Cell("", "none", note)
    good = sum(one.verdict in _GREEN for one in own)
    counted = sum(one.verdict is not Verdict.DISABLED for one in own)
    parts = [f"{good} of {counted}"] if counted else []
    parts += [note] if note else []
    return Cell(_word(verdict), _tone(verdict), " · ".join(parts))


def _word(verdict: Verdict) -> str:
    match verdict:
        case Verdict.PASSED:
            return "yes"
        case Verdict.REFUSED:
            return "refused"
        case Verdict.DISABLED:
            return "not asked"
        case _:
            return str(verdict.value)


def _tone(verdict: Verdict) -> str:
    if verdict in _GREEN:
        return "good"
    if verdict in RED:
        return "bad"
    return "known" if verdict is Verdict.KNOWN_FAILURE else "none"


def text(reports: Sequence[Document]) -> str:
    """The comparison for a terminal; orchestrators by the number of their report."""
    lines = [
        f"{number}  {_name(report)}: {badge(report)['message']}"
        for number, report in enumerate(reports, 1)
    ]
    width = max(18, *(len(row.name) for row in rows(reports)))
    head = "".join(f"{number:<15}" for number in range(1, len(reports) + 1)).rstrip()
    lines += ["", f"{'capability':<{width}} {'':<9}{head}"]
    for row in rows(reports):
        cells = "".join(f"{cell.word or '-':<15}" for cell in row.cells)
        lines.append(f"{row.name:<{width}} {row.kind:<9}{cells}".rstrip())
    return "\n".join(lines)


def page(reports: Sequence[Document]) -> str:
    """The comparison as one HTML page that needs nothing else."""
    import jinja2  # late: what only reads reports need not wait for it

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    heads = [{"name": _name(one), "badge": badge(one), "report": one} for one in reports]
    made: str = environment.get_template("matrix.html.j2").render(heads=heads, rows=rows(reports))
    return made


def _name(report: Document) -> str:
    return str(report["extension"]["distribution"] or report["extension"]["type"])
