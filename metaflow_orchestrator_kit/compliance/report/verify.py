"""Whether a report says nothing but what its own content bears out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.compliance.grammar import several
from metaflow_orchestrator_kit.compliance.report.document import VERSION, Document
from metaflow_orchestrator_kit.compliance.select import UPSTREAM
from metaflow_orchestrator_kit.compliance.verdict import RAN, Exit, Result, Verdict, exit_code

SCHEMA = Path(__file__).with_name("schema.json")


class ReportError(Exception):
    """A file is no report that can be read; the message names it and says why."""


def load(file: Path) -> dict[str, Any]:
    """The report in a file.

    Raises:
        ReportError: it cannot be read, is not JSON, or of another version.
    """
    try:
        content = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ReportError(f"{file}: cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise ReportError(f"{file}: not valid JSON ({error}).") from None
    version = content.get("version") if isinstance(content, dict) else None
    if version != VERSION:
        raise ReportError(f"{file}: has the version {version!r}; version {VERSION} is needed.")
    return dict(content)


def problems(report: Document) -> list[str]:
    """What is wrong with a report, a line each; empty where everything is as it should be.

    Raises:
        ReportError: jsonschema is not installed.
    """
    found = list(_against_schema(report))
    if found:
        return found  # what follows relies on the form
    results = [Result.from_json(case) for case in report["cases"]]
    return [*_sums(report, results), *_claims(report, results)]


def _against_schema(report: Document) -> Iterator[str]:
    try:
        import jsonschema
    except ImportError:
        raise ReportError(
            "jsonschema must be installed first:\n    pip install 'metaflow-orchestrator-kit[test]'"
        ) from None
    schema = json.loads(SCHEMA.read_text("utf-8"))
    for error in jsonschema.Draft202012Validator(schema).iter_errors(dict(report)):
        message = error.message if len(error.message) < 200 else error.message[:200] + "…"
        yield f"{error.json_path}: {message}"


def _sums(report: Document, results: list[Result]) -> Iterator[str]:
    counted = Counter(result.verdict.value for result in results)
    for verdict, number in report["counts"].items():
        if counted[verdict] != number:
            cases = several(counted[verdict], "case is", "cases are")
            yield f"counts: {number} {verdict}, but {cases}"
    for case, number in Counter(result.case for result in results).items():
        if number > 1:
            yield f"cases: '{case}' is there {number} times"
    if report["partial"] != any(not result.selected for result in results):
        yield f"partial: {report['partial']}, which the cases contradict"
    code = exit_code(results)
    known = report["known_failures"]
    if code is Exit.PASSED and known is not None and known["problems"]:
        code = Exit.FAILED
    if report["exit_code"] != code:
        yield f"exit_code: {report['exit_code']}, but the cases amount to {int(code)}"


def _claims(report: Document, results: list[Result]) -> Iterator[str]:
    """Verdicts that need something which is not there."""
    observed = {run["scenario"] for run in report["runs"]}
    known = report["known_failures"] or {"entries": []}
    listed = {entry["case"] for entry in known["entries"]}
    for result in results:
        where = f"'{result.case}' is {result.verdict.value}"
        if result.cap == UPSTREAM:
            if not report.get("upstream"):
                yield f"{where}, but Metaflow's own tests were not run"
            continue
        if result.verdict in RAN and result.scenario not in observed:
            yield f"{where}, but its scenario '{result.scenario}' was not observed"
        if result.verdict in RAN and not result.selected:
            yield f"{where}, but it was not selected"
        if result.verdict in (Verdict.KNOWN_FAILURE, Verdict.FIXED) and result.case not in listed:
            yield f"{where}, but it is not in the list of known failures"
        if result.verdict is Verdict.PASSED and result.cap not in report["capabilities"]:
            yield f"{where}, but {result.cap} was not taken for supported"
        if result.verdict is Verdict.REFUSED and result.cap in report["capabilities"]:
            yield f"{where}, but {result.cap} was taken for supported"
        if result.verdict is Verdict.FAILED and not result.message:
            yield f"{where}, but does not say why"
