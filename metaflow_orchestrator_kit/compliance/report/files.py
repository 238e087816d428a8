"""The files of a report folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.compliance.report.badge import badge
from metaflow_orchestrator_kit.compliance.report.document import Document
from metaflow_orchestrator_kit.compliance.report.junit import junit
from metaflow_orchestrator_kit.compliance.report.markdown import markdown
from metaflow_orchestrator_kit.compliance.report.page import page

REPORT = "report.json"


def write(report: Document, folder: Path) -> None:
    """Write every form of the report.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / REPORT, _json(report))
    _write(folder / "junit.xml", junit(report))
    _write(folder / "report.html", page(report))
    _write(folder / "summary.md", markdown(report))
    _write(folder / "badge.json", _json(badge(report)))


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(dict(content), indent=2, ensure_ascii=False) + "\n"


def _write(file: Path, text: str) -> None:
    # What a scheduler printed may hold halves of characters.
    file.write_text(text, encoding="utf-8", errors="backslashreplace")
