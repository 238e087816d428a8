"""The steps of action.yml: ``python action/run.py install|validate|test``.

Inputs are read from variables named ``MOK_…``. What is found becomes annotations of the job, and
a table in its summary. The exit code of a step is that of the command which it runs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

KIT = Path(__file__).resolve().parents[1]
READABLE = 1
"""The version of both reports that this script can read."""

_LEVELS = {"error": "error", "warning": "warning", "advice": "notice"}


def install(inputs: Mapping[str, str]) -> int:
    """Install this checkout of the kit, and the extension."""
    project = inputs.get("MOK_DIRECTORY") or "."
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    code = subprocess.run([*pip, f"{KIT}[test]"]).returncode
    return code or subprocess.run([*pip, "--editable", project]).returncode


def validate(inputs: Mapping[str, str]) -> int:
    """Read the code; a finding is an annotation at its line."""
    project = Path(inputs.get("MOK_DIRECTORY") or ".")
    command = [sys.executable, "-m", "metaflow_orchestrator_kit.validate", str(project)]
    code = subprocess.run(command).returncode
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        subprocess.run([*command, "--format", "json", "--output", str(file)])
        report = _load(file)
    if report is None:
        return code or 2
    for found in report["findings"]:
        annotate(
            _LEVELS.get(found["severity"], "error"),
            f"{found['message']} Fix: {found['help']}",
            file=_from_workspace(project / found["path"]),
            line=found["line"],
            col=found["column"],
            title=f"{found['code']} {found['name']} ({', '.join(found['clauses'])})",
        )
    rows = [
        (rule["code"], rule["name"], ", ".join(rule["clauses"]), rule["verdict"])
        for rule in report["rules"]
    ]
    counts = ", ".join(f"{number} {what}" for what, number in report["summary"].items())
    summarise("The code", ("rule", "name", "clauses", "verdict"), rows, counts.replace("_", " "))
    return code


def test(inputs: Mapping[str, str]) -> int:
    """Run flows; a failed case is an annotation, the capabilities are a table."""
    folder = Path(inputs.get("MOK_REPORT_DIR") or "compliance-report")
    command = [sys.executable, "-m", "metaflow_orchestrator_kit.test", *_options(inputs)]
    code = subprocess.run([*command, "--report-dir", str(folder)]).returncode
    files = [folder / "report.json", *sorted(folder.glob("*/report.json"))]
    reports = [report for file in files if file.exists() and (report := _load(file))]
    for report in reports:
        for result in report["cases"]:
            if result["verdict"] in ("failed", "error", "fixed"):
                title = f"{result['case']} ({result['cap']}, {', '.join(result['clauses'])})"
                annotate("error", result["message"], title=title)
        summarise(
            f"Flows on {report['backend']['name']} with Metaflow {report['metaflow']}",
            ("capability", "", "verdict", "cases"),
            list(_capabilities(report["cases"])),
            ", ".join(f"{number} {verdict}" for verdict, number in report["counts"].items()),
        )
    if not reports:
        annotate("error", f"No flow was run: the command ended with code {code}, see its output.")
        return code or 2
    return code


def _options(inputs: Mapping[str, str]) -> Iterator[str]:
    for name in ("scheduler-type", "config", "deploy-args", "capabilities", "workers"):
        value = inputs.get(f"MOK_{name.upper().replace('-', '_')}", "").strip()
        if value:
            # One word, so that a value which begins with a hyphen is no option.
            yield f"--{name}={value}"
    for name in re.split(r"[,\s]+", inputs.get("MOK_SELECT", "")):
        if name:
            yield f"--select={name}"


def _capabilities(cases: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    # What the terminal's table says, by the same code; installed by now.
    from metaflow_orchestrator_kit import Cap
    from metaflow_orchestrator_kit.compliance.report.table import overall
    from metaflow_orchestrator_kit.compliance.verdict import Result

    results = [Result.from_json(case) for case in cases]
    for cap in Cap:
        own = [result for result in results if result.cap == cap.name]
        verdict = overall(own)
        if verdict is not None:
            kind = "required" if cap.required else "optional"
            yield cap.name, kind, verdict.value, str(len(own))


def _load(file: Path) -> dict[str, Any] | None:
    """A report, or None with an annotation that says why it cannot be read."""
    try:
        report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        version = report["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        annotate("error", f"The report {file.name} cannot be read: {error}")
        return None
    if version != READABLE:
        annotate("error", f"The report is of version {version}; this action reads {READABLE}.")
        return None
    return report


def annotate(level: str, message: str, **properties: object) -> None:
    """Print a workflow command, which becomes an annotation of the job."""
    pairs = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    print(f"::{level}{' ' if pairs else ''}{pairs}::{_data(message)}", flush=True)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summarise(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], last: str) -> None:
    """Add a table to the job's summary, where there is one."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    lines = [f"## {title}", "", _row(head), _row(["---"] * len(head))]
    lines += [*map(_row, rows), "", last, "", ""]
    with Path(file).open("a", encoding="utf-8") as stream:
        stream.write("\n".join(lines))


def _row(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", chr(92) + "|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _from_workspace(path: Path) -> str:
    """The path as annotations want it: relative to the checkout of the job."""
    workspace = os.environ.get("GITHUB_WORKSPACE") or Path.cwd()
    return os.path.relpath(path, workspace)


STEPS = {"install": install, "validate": validate, "test": test}


def main(arguments: Sequence[str]) -> int:
    """Run the step of that name."""
    step = STEPS.get(arguments[0]) if len(arguments) == 1 else None
    if step is None:
        print(f"usage: run.py {'|'.join(STEPS)}", file=sys.stderr)
        return 2
    return step(os.environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
