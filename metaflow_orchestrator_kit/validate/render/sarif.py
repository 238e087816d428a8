"""The report as SARIF 2.1.0, which code scanning services read."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from metaflow_orchestrator_kit import __version__
from metaflow_orchestrator_kit.validate.baseline import recognise
from metaflow_orchestrator_kit.validate.findings import Finding, Report, Severity
from metaflow_orchestrator_kit.validate.render.places import (
    column,
    first_line,
    from_here,
    last_line,
)
from metaflow_orchestrator_kit.validate.rules import Rule

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "note"}
#: What a code scanning service sorts by.
_PRECISION = {"high": "very-high", "medium": "high", "low": "medium"}


def render(report: Report, rules: Sequence[type[Rule]]) -> str:
    """One run; of *rules* those that have a result."""
    findings = [*report.findings, *report.accepted]
    accepted = set(report.accepted)
    codes = sorted({finding.code for finding in findings})
    known = {rule.code: rule for rule in rules}
    seen: Counter[str] = Counter()
    results = []
    for finding in findings:
        name = "\0".join(recognise(report, finding))
        seen[name] += 1
        print_ = hashlib.sha256(f"{name}\0{seen[name]}".encode("utf-8", "replace")).hexdigest()
        result = _result(report, finding, codes.index(finding.code), print_)
        if finding in accepted:
            result["suppressions"] = [{"kind": "external", "status": "accepted"}]
        results.append(result)
    driver = {
        "name": "metaflow-orchestrator-validate",
        "version": __version__,
        "rules": [_rule(known[code]) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        # Python counts characters, not UTF-16 units.
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    content = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(content, indent=2) + "\n"


def _rule(rule: type[Rule]) -> Mapping[str, Any]:
    text = inspect.getdoc(rule) or rule.name
    first, _, rest = text.partition("\n\n")
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": " ".join(first.split())},
        "fullDescription": {"text": " ".join((rest or first).split())},
        "help": {"text": text},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": list(rule.clauses)},
    }


def _result(report: Report, finding: Finding, index: int, fingerprint: str) -> dict[str, Any]:
    region = {
        "startLine": first_line(finding),
        "startColumn": column(finding),
        "endLine": last_line(finding),
    }
    place = {
        "artifactLocation": {"uri": quote(from_here(report, finding), errors="replace")},
        "region": region,
    }
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}\nFix: {finding.help}"},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"lineText/v1": fingerprint},
        "properties": {
            "confidence": finding.confidence.value,
            "precision": _PRECISION[finding.confidence.value],
        },
    }
