"""What each rule means, as a page.

``python -m metaflow_orchestrator_kit.validate.pages docs/rules`` writes the pages and their index;
``metaflow-orchestrator-validate --explain CODE`` prints one of them.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from metaflow_orchestrator_kit import contract
from metaflow_orchestrator_kit.validate.rules import Example, Rule
from metaflow_orchestrator_kit.validate.rules.base import MARK
from metaflow_orchestrator_kit.validate.rules.examples import USUAL
from metaflow_orchestrator_kit.validate.runner import catalogue, everything
from metaflow_orchestrator_kit.validate.third_party import RuleBroken

COMMAND = "python -m metaflow_orchestrator_kit.validate.pages docs/rules"
_LANGUAGES = {".py": "python", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".sh": "sh"}


def page(rule: type[Rule]) -> str:
    """One rule: what it reports, why, bad and good code, the clauses, and since when."""
    what, _, why = (inspect.getdoc(rule) or "").partition("\n\n")
    lines = [f"# {rule.code} {rule.name}", "", what, "", f"Severity: {rule.severity.value}.", ""]
    lines += ["## Why, and what to do", "", why.strip(), ""]
    lines += _examples("Bad", rule.INVALID)
    lines += _examples("Good", rule.VALID)
    if rule.clauses:
        lines += ["## Clauses of the contract", ""]
        for id in rule.clauses:
            lines += _clause(contract.clause(id))
        lines.append("")
    if rule is RuleBroken:
        return "\n".join(lines).rstrip() + "\n"
    accept = f"`# mok: ignore[{rule.code}] reason`"
    if rule not in _on_comments():
        lines += ["## Where it may stay", ""]
        lines += _wrapped(f"{accept} on the line that is reported lets it pass there.")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def index(rules: Sequence[type[Rule]]) -> str:
    """The table of all the rules."""
    lines = [
        "# Rules of metaflow-orchestrator-validate",
        "",
        "| code | name | severity | clauses |",
        "| --- | --- | --- | --- |",
    ]
    for rule in rules:
        links = ", ".join(f"[{id}](../contract.md#{id.lower()})" for id in rule.clauses)
        link = f"[{rule.code}]({rule.code}.md)"
        lines.append(f"| {link} | `{rule.name}` | {rule.severity.value} | {links} |")
    lines += ["", f"Generated from the rules by `{COMMAND}`."]
    return "\n".join(lines) + "\n"


def pages() -> Mapping[str, str]:
    """The text of every file of docs/rules, by name."""
    rules = catalogue()
    return {"README.md": index(rules), **{f"{rule.code}.md": page(rule) for rule in rules}}


def listing() -> str:
    """A line for each rule."""
    lines = [
        f"{rule.code}  {rule.name:28} {rule.severity.value:8} {', '.join(rule.clauses)}".rstrip()
        for rule in everything()
    ]
    return "\n".join(lines) + "\n"


def explain(what: str) -> str:
    """The page of a rule; for a clause or a group its text, and the rules that check it.

    Raises:
        UnknownClause: it is no rule, clause or group.
    """
    asked = what.strip()
    rules = everything()
    for rule in rules:
        if asked.upper() == rule.code or asked.lower() == rule.name:
            return page(rule)
    text = contract.explain(asked)
    checks = [
        f"{rule.code} {rule.name}"
        for rule in rules
        if any(asked.upper() in (clause, clause[0]) for clause in rule.clauses)
    ]
    said = "Checked by" if checks else "No rule checks this; the compliance suite may."
    return "\n".join([text, "", said, *(f"  {check}" for check in checks)]) + "\n"


def write(folder: Path) -> int:
    """Write the pages, and remove those of rules that are gone; answers how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for old in folder.glob("MOK*.md"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")
    return len(wanted)


def _on_comments() -> Sequence[type[Rule]]:
    from metaflow_orchestrator_kit.validate.suppressions import RULES

    return RULES


def _examples(heading: str, examples: Sequence[Example]) -> Iterator[str]:
    if not examples:
        return
    yield from (f"## {heading}", "")
    for example in examples:
        yield from (f"{example.title[:1].upper()}{example.title[1:]}:", "")
        files = {p: t for p, t in example.files.items() if USUAL.get(p) != t} or example.files
        for path, text in files.items():
            if not text.strip():
                yield from (f"`{path}` is missing or empty.", "")
                continue
            # The name of the file matters where there are several, or where it is the point.
            yield from (f"`{path}`", "")
            body = textwrap.dedent(text).rstrip()
            fence = "````" if "```" in body else "```"
            yield from (f"{fence}{_LANGUAGES.get(Path(path).suffix, 'text')}", body, fence, "")
    if any(MARK in text for example in examples for text in example.files.values()):
        yield from (f"The line that is reported ends in `{MARK}`.", "")


def _clause(clause: contract.Clause) -> Iterator[str]:
    since = f" Since Metaflow {clause.since}." if clause.since else ""
    symptom = f" If broken: {clause.symptom}" if clause.symptom else ""
    link = f"[{clause.id}](../contract.md#{clause.id.lower()})"
    text = f"- {link} ({clause.level.value}): {clause.title.rstrip('.')}.{symptom}{since}"
    yield from _wrapped(text, "  ")


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {COMMAND}")
    print(f"Wrote {write(Path(sys.argv[1]))} pages to {sys.argv[1]}")
