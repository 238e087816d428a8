"""Where a finding is, as other programs look for it."""

from __future__ import annotations

import os
from pathlib import Path

from metaflow_orchestrator_kit.validate.findings import Finding, Report


def from_here(report: Report, finding: Finding) -> str:
    """The path from the current directory, which in CI is the root of the repository.

    Where the directory validated does not lie below it, the path is relative to that directory.
    """
    root = Path(report.directory)
    if root.is_file():
        root = root.parent
    relative = Path(os.path.relpath(root, Path.cwd()))
    if relative.parts[:1] == ("..",):
        return finding.path
    return (relative / finding.path).as_posix()


def first_line(finding: Finding) -> int:
    """The line, counted from 1."""
    return max(finding.line, 1)


def last_line(finding: Finding) -> int:
    """The line that it ends in; never before the first."""
    return max(finding.end_line, first_line(finding))


def column(finding: Finding) -> int:
    """The column, counted from 1."""
    return max(finding.column, 1)
