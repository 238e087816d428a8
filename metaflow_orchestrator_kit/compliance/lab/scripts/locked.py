"""A uv project around a flow."""

from __future__ import annotations

import subprocess

from metaflow_orchestrator_kit.compliance.lab.actions import action
from metaflow_orchestrator_kit.compliance.lab.live import Live

_PROJECT = """\
[project]
name = "mok-locked"
version = "1"
requires-python = ">=3.10"
dependencies = ["iniconfig==1.1.1"]

[tool.uv]
package = false
"""


@action
def lock(live: Live) -> None:
    """Make a project of the flow's folder; its lock names the package index of this machine."""
    folder = live.flow_file.parent
    (folder / "pyproject.toml").write_text(_PROJECT, encoding="utf-8")
    subprocess.run(["uv", "lock"], cwd=folder, stdin=subprocess.DEVNULL, timeout=120, check=True)
