"""``# mok: ignore[CODE] reason``: findings that the author lets pass, in the place itself.

The comment stands at the end of the line that is reported (of any of its lines, or after the
closing quotes of the string that it lies in), or alone on the line before it.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence

from metaflow_orchestrator_kit.validate import edits
from metaflow_orchestrator_kit.validate.baseline import accepting
from metaflow_orchestrator_kit.validate.findings import (
    Confidence,
    Edit,
    Finding,
    Fix,
    Outcome,
    Severity,
    Verdict,
)
from metaflow_orchestrator_kit.validate.modules import Module
from metaflow_orchestrator_kit.validate.records import field, record, regex
from metaflow_orchestrator_kit.validate.rules.base import Rule

_COMMENT = regex(r"#\s*mok:\s*ignore\b\s*(?:\[(?P<codes>[^\]]*)\])?(?P<reason>.*)", re.DOTALL)
_BLANK = (
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.COMMENT,
    tokenize.ENDMARKER,
)


class UnusedSuppression(Rule):
    """A comment `# mok: ignore[CODE] reason` lets nothing pass.

    Where nothing is found any more the comment misleads its reader, and it would hide the next
    finding of that rule in that place. Remove it, or move it to the line that is reported.
    """

    code = "MOK010"
    name = "suppression-unused"
    clauses = ()
    severity = Severity.WARNING


class UnknownSuppression(Rule):
    """A comment `# mok: ignore[CODE] reason` names no rule, or a code that there is not.

    A misspelt code lets nothing pass, and a comment without a code would let everything pass,
    what is found next year included. Name the code that the report shows.
    """

    code = "MOK011"
    name = "suppression-of-unknown-rule"
    clauses = ()
    severity = Severity.ERROR


class UnexplainedSuppression(Rule):
    """A comment `# mok: ignore[CODE]` gives no reason, and lets nothing pass.

    Whoever reads it next cannot tell a false alarm from a bug that nobody had time for. Say
    after the bracket why the finding may stay.
    """

    code = "MOK012"
    name = "suppression-without-reason"
    clauses = ()
    severity = Severity.ERROR


RULES: tuple[type[Rule], ...] = (UnusedSuppression, UnknownSuppression, UnexplainedSuppression)


@record(frozen=False)
class Suppression:
    """One comment, and the lines that it speaks of."""

    path: str
    line: int
    column: int
    first: int
    last: int
    codes: tuple[str, ...]
    reason: str
    text: str
    used: set[str] = field(default_factory=set)

    def covers(self, finding: Finding) -> bool:
        """Whether the comment lets that finding pass."""
        return (
            bool(self.reason)
            and finding.code in self.codes
            and finding.path == self.path
            and finding.line <= self.last
            and max(finding.end_line, finding.line) >= self.first
        )


def suppressions(modules: Iterable[Module]) -> list[Suppression]:
    """The comments of these modules, in order."""
    found: list[Suppression] = []
    for module in modules:
        if "mok:" in module.source:
            found.extend(_of(module))
    return found


def _of(module: Module) -> Iterator[Suppression]:
    waiting: list[Suppression] = []
    started: dict[int, int] = {}
    code_on: set[int] = set()
    for token in _tokens(module.source):
        line = token.start[0]
        if token.type == tokenize.COMMENT:
            matched = _COMMENT.match(token.string)
            if matched is None:
                continue
            codes = tuple(c.strip() for c in (matched["codes"] or "").split(",") if c.strip())
            reason = matched["reason"].strip(" \t:-–—")
            first = started.get(line, line)
            column = token.start[1] + 1
            made = Suppression(
                module.path, line, column, first, line, codes, reason, token.line.rstrip("\r\n")
            )
            if line not in code_on:
                waiting.append(made)
            yield made
        elif token.type not in _BLANK:
            for before in waiting:
                before.first, before.last = line, token.end[0]
            waiting.clear()
            code_on.update((line, token.end[0]))
            if token.end[0] > line:
                # A string of several lines: what is found in it may be let pass behind it.
                started[token.end[0]] = started.get(line, line)


def _tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(source).readline)
    except (tokenize.TokenError, SyntaxError):
        # It has been parsed, so at most its end is odd; what was read so far counts.
        return


def apply(
    outcomes: Sequence[Outcome], comments: Sequence[Suppression], known: frozenset[str]
) -> list[Outcome]:
    """The outcomes with what the comments let pass, and with what is wrong with the comments."""
    result: list[Outcome] = []
    for outcome in outcomes:
        passed: list[Finding] = []
        for finding in outcome.findings:
            covering = [c for c in comments if c.covers(finding)]
            for comment in covering:
                comment.used.add(finding.code)
            if covering:
                passed.append(finding)
        result.append(accepting(outcome, passed))
    asked = {outcome.code for outcome in outcomes}
    problems = [p for c in comments for p in _problems(c, asked, known)]
    for rule in RULES:
        found = tuple(p for p in problems if p.code == rule.code)
        if found:
            result.append(Outcome(rule.code, rule.name, rule.clauses, Verdict.FAIL, found))
    return result


def _problems(comment: Suppression, asked: set[str], known: frozenset[str]) -> Iterator[Finding]:
    if not comment.codes:
        yield _finding(
            UnknownSuppression,
            comment,
            "the comment says not which rule it lets pass",
            "Write # mok: ignore[CODE] reason, with the code that the report shows.",
        )
    for code in comment.codes:
        if code not in known:
            yield _finding(
                UnknownSuppression,
                comment,
                f"there is no rule '{code}'",
                "Write the code that the report shows; --list-rules lists them.",
            )
        elif not comment.reason:
            yield _finding(
                UnexplainedSuppression,
                comment,
                f"no reason is given why {code} may be broken here, so it is reported",
                f"Write # mok: ignore[{code}] and why, on the same line.",
            )
        elif code in asked and code not in comment.used:
            yield _finding(
                UnusedSuppression,
                comment,
                f"{code} is not reported here",
                "Remove the comment, or move it to the line that is reported.",
                _without(comment, code),
            )


def _without(comment: Suppression, code: str) -> Fix | None:
    """The line without the comment; without the code, when the comment has others as well."""
    if comment.text.count("\n") or "#" in comment.text[comment.column :]:
        return None
    if len(comment.codes) > 1:
        written = rf"\b{re.escape(code)}\s*,\s*|\s*,\s*{re.escape(code)}\b"
        lines = [*[""] * (comment.line - 1), comment.text]
        edit = edits.on_line(comment.path, lines, comment.line, written, "")
        return Fix((edit,)) if edit else None
    before = comment.text[: comment.column - 1].rstrip()
    if not before:
        return Fix((Edit(comment.path, comment.line, 1, comment.line + 1, 1, ""),))
    end = len(comment.text) + 1
    return Fix((Edit(comment.path, comment.line, len(before) + 1, comment.line, end, ""),))


def _finding(
    rule: type[Rule], comment: Suppression, message: str, help: str, fix: Fix | None = None
) -> Finding:
    return Finding(
        rule.code, rule.name, rule.clauses, rule.severity, Confidence.HIGH,
        comment.path, comment.line, comment.column, comment.line, message, help,
        fix,
    )  # fmt: skip
