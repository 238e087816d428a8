"""Starts the runner as a user does, with the fake scheduler installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FAKE = ROOT / "tests" / "support" / "fakesched"

GOOD = ("linear-runs-in-order", "linear-one-pathspec", "linear-trigger-returns")
"""Cases of one scenario that the fake scheduler passes."""

BAD = "linear-ids"
"""A case of the same scenario that it fails: its ids are Metaflow's own integers."""


def environment(**more: str) -> dict[str, str]:
    """The environment of a user who has the fake scheduler, and nothing configured."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    path = os.pathsep.join([str(FAKE), str(ROOT)])
    return {**kept, "PYTHONPATH": path, **more}


def command(*arguments: str) -> list[str]:
    """The command line of the runner."""
    return [sys.executable, "-m", "metaflow_orchestrator_kit.test", *arguments]


def run(
    *arguments: str, cwd: Path, patience: float = 280, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(**{"TMPDIR": str(cwd), **variables}),  # kept evidence goes with the test
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )


def on_fake(
    *arguments: str, cwd: Path, patience: float = 280, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run it on the fake scheduler."""
    words = ("--scheduler-type", "fakesched", *arguments)
    return run(*words, cwd=cwd, patience=patience, **variables)


def select(*names: str) -> list[str]:
    """The options that select those cases."""
    return [part for name in names for part in ("--select", name)]
