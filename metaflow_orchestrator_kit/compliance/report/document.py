"""The report as plain JSON values, from which every other form of it is made."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import metaflow_orchestrator_kit
from metaflow_orchestrator_kit.compliance.extension import Extension
from metaflow_orchestrator_kit.compliance.known.entries import KnownFailure
from metaflow_orchestrator_kit.compliance.known.judge import Judged
from metaflow_orchestrator_kit.compliance.select import Plan
from metaflow_orchestrator_kit.compliance.verdict import count

VERSION = 1

Document = Mapping[str, Any]
"""A report as :func:`document` makes it; its form is in ``schema.json``."""


def document(
    extension: Extension,
    plan: Plan,
    judged: Judged,
    *,
    backend: Mapping[str, Any],
    seconds: float,
    runs: Sequence[Mapping[str, Any]] = (),
    known: Sequence[KnownFailure] | None = None,
    upstream: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The report; ``version`` changes when a reader would have to."""
    results = judged.results
    return {
        "version": VERSION,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "kit": metaflow_orchestrator_kit.__version__,
        "metaflow": extension.metaflow,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "git": git_state(Path.cwd()),
        "extension": {key: value for key, value in _plain(extension).items() if key != "metaflow"},
        "upstream": upstream,
        "backend": dict(backend),
        "capabilities": sorted(cap.name for cap in plan.capabilities),
        "declared": plan.declared,
        "partial": any(not result.selected for result in results),
        "seconds": round(seconds, 1),
        "exit_code": int(judged.exit_code),
        "counts": {verdict.value: number for verdict, number in count(results).items()},
        "known_failures": None
        if known is None
        else {"entries": [asdict(entry) for entry in known], "problems": judged.problems},
        "cases": [result.to_json() for result in results],
        "runs": [dict(run) for run in runs],
    }


def _plain(extension: Extension) -> dict[str, Any]:
    values = asdict(extension)
    declared = values["declared"]
    return {**values, "declared": None if declared is None else list(declared)}


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit of the repository around a folder, and whether there are changes beyond it.

    None where there is no repository, no commit or no git.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    if commit is None or status is None:
        return None
    return {"commit": commit.strip(), "dirty": bool(status.strip())}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
