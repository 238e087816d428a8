"""The report as JUnit XML, with every verdict, for the systems that read it."""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

from metaflow_orchestrator_kit.compliance.report.document import Document
from metaflow_orchestrator_kit.compliance.verdict import RED, Result, Verdict

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold, escaped or not."""

_HOLDING = frozenset({Verdict.PASSED, Verdict.REFUSED})


def junit(report: Document) -> str:
    """A suite with a test per case. Red is a failure or error; what did not run is skipped."""
    results = [Result.from_json(case) for case in report["cases"]]
    name = f"metaflow-orchestrator-test {report['backend']['name']}"
    errors = sum(result.verdict is Verdict.ERROR for result in results)
    failures = sum(result.verdict in RED for result in results) - errors
    missing = sum(_kind(result) == "skipped" for result in results)
    suite = Xml.Element(
        "testsuite",
        name=_clean(name),
        tests=str(len(results)),
        failures=str(failures),
        errors=str(errors),
        skipped=str(missing),
        time=str(report["seconds"]),
        timestamp=report["created"],
    )
    for result in results:
        test = Xml.SubElement(
            suite,
            "testcase",
            classname=result.cap,
            name=result.case,
            time=str(result.seconds),
        )
        kind = _kind(result)
        if kind is not None:
            first = next(iter(result.message.splitlines()), "")
            outcome = Xml.SubElement(
                test, kind, type=result.verdict.value, message=_clean(first or result.verdict.value)
            )
            outcome.text = _clean(result.message)
    root = Xml.Element("testsuites")
    root.append(suite)
    Xml.indent(root)
    return "<?xml version='1.0' encoding='utf-8'?>\n" + Xml.tostring(root, "unicode") + "\n"


def _kind(result: Result) -> str | None:
    if result.verdict is Verdict.ERROR:
        return "error"
    if result.verdict in RED:
        return "failure"
    return None if result.verdict in _HOLDING else "skipped"


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
