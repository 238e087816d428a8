"""Findings that an old extension starts with: recorded once, let pass, and only ever fewer."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from metaflow_orchestrator_kit.validate.findings import Finding, Outcome, Report, Verdict
from metaflow_orchestrator_kit.validate.records import replace

VERSION = 1


class BaselineError(ValueError):
    """The baseline cannot be read or written; the message says why, and the way out."""


class Known(NamedTuple):
    """What a finding is recognised by: not its line, which moves when others change."""

    code: str
    path: str
    text: str
    """The line itself, without its indentation; the message where there is no such line."""


def recognise(report: Report, finding: Finding) -> Known:
    """What *finding* is called in a baseline."""
    text = report.line(finding)
    return Known(finding.code, finding.path, (text or "").strip() or finding.message)


def read_baseline(path: Path) -> Counter[Known]:
    """How often each finding was there when the baseline was written.

    Raises:
        BaselineError: it is missing or malformed.
    """
    import json

    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BaselineError(
            f"There is no baseline '{path}'; --write-baseline writes it."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise BaselineError(f"The baseline '{path}' cannot be read: {error}") from error
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise BaselineError(
            f"'{path}' is not a baseline of version {VERSION}; --write-baseline writes one."
        )
    found: Counter[Known] = Counter()
    entries = content.get("findings")
    for entry in entries if isinstance(entries, list) else [None]:
        match entry:
            case {"code": str(code), "path": str(file), "text": str(text), "count": int(count)}:
                found[Known(code, file, text)] += count
            case _:
                raise BaselineError(
                    f"'{path}' has an entry without code, path, text and count; "
                    "--write-baseline writes it anew."
                )
    return found


def write_baseline(path: Path, report: Report) -> int:
    """Write the report's findings, those that a baseline let pass included; answers how many.

    Raises:
        BaselineError: the file cannot be written; what was there before is kept.
    """
    import json
    import tempfile

    found = Counter(recognise(report, f) for f in report.findings)
    entries = [{**known._asdict(), "count": count} for known, count in sorted(found.items())]
    text = json.dumps({"version": VERSION, "findings": entries}, indent=2, ensure_ascii=False)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text + "\n")
            # mkstemp lets nobody else read it; a baseline is checked in.
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BaselineError(f"Cannot write '{path}': {error.strerror or error}") from error
    return sum(found.values())


def accept_known(report: Report, known: Counter[Known]) -> Report:
    """The report without the findings that the baseline has; more of the same still count."""
    left = Counter(known)
    outcomes: list[Outcome] = []
    for outcome in report.outcomes:
        passed: list[Finding] = []
        for finding in outcome.findings:
            name = recognise(report, finding)
            if left[name] > 0:
                left[name] -= 1
                passed.append(finding)
        outcomes.append(accepting(outcome, passed))
    asked = {outcome.code for outcome in report.outcomes}
    gone = sum(count for name, count in left.items() if count > 0 and name.code in asked)
    remarks = list(report.remarks)
    if gone:
        what = "finding of the baseline is" if gone == 1 else "findings of the baseline are"
        remarks.append(f"{gone} {what} no longer found; --write-baseline makes it smaller.")
    return replace(report, outcomes=tuple(outcomes), remarks=tuple(remarks))


def accepting(outcome: Outcome, passed: Sequence[Finding]) -> Outcome:
    """The outcome with these findings let pass; what was unsure besides them stays unsure."""
    if not passed:
        return outcome
    kept = tuple(f for f in outcome.findings if f not in passed)
    verdict = Verdict.FAIL if kept else Verdict.UNSURE if outcome.unsure else Verdict.ACCEPTED
    accepted = (*outcome.accepted, *passed)
    return replace(outcome, verdict=verdict, findings=kept, accepted=accepted)
