"""What a clause says, as text for a terminal."""

from __future__ import annotations

import textwrap

from metaflow_orchestrator_kit.contract import loader
from metaflow_orchestrator_kit.contract.model import Clause, Group

_WIDTH = 80
_LABEL = 14


def explain(id_or_group: str) -> str:
    """The clause of that id in full, or the list of a group's clauses; 80 columns wide.

    Raises:
        UnknownClause: neither a clause nor a group is called that.
        ContractError: the contract's data is malformed.
    """
    wanted = id_or_group.strip().upper()
    if len(wanted) == 1 and wanted.isalpha():
        return _explain_group(loader.group(wanted))
    return _explain_clause(loader.clause(id_or_group))


def _explain_clause(clause: Clause) -> str:
    lines = textwrap.wrap(f"{clause.id} ({clause.level.value}) {clause.title}", _WIDTH)
    lines.append("")
    lines += _paragraph("Rule", clause.rule)
    if clause.symptom is not None:
        lines += _paragraph("If broken", clause.symptom)
    for position, place in enumerate(clause.source):
        lines += _paragraph("" if position else "Source", place)
    if clause.since is not None:
        lines += _paragraph("Since", f"Metaflow {clause.since}")
    lines += _paragraph("Evidence", clause.evidence.meaning)
    if clause.capabilities:
        lines += _paragraph("Capabilities", ", ".join(cap.name for cap in clause.capabilities))
    return "\n".join(lines)


def _explain_group(group: Group) -> str:
    lines = [f"{group.letter}. {group.title}", ""]
    for clause in group.clauses:
        lines += textwrap.wrap(
            clause.title,
            width=_WIDTH,
            initial_indent=f"  {clause.id:<4}{clause.level.value:<10}",
            subsequent_indent=" " * 16,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _paragraph(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent=f"  {label:<{_LABEL}}",
        subsequent_indent=" " * (_LABEL + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
