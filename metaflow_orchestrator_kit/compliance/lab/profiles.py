"""A profile of Metaflow's configuration for one scenario; the user's own files stay as they are."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

MARK = "METAFLOW_MOK_PROFILE"
"""The setting that a profile of ours has beside what was configured anyway; its own name."""


def make_profile(name: str, home: Path) -> None:
    """Make ``home`` this process's home of Metaflow's configuration, with a profile of that name.

    Everything that the user has configured holds there as well, in the profile too.
    """
    own = Path(os.environ.get("METAFLOW_HOME") or Path.home() / ".metaflowconfig")
    if own.is_dir():
        shutil.copytree(own, home)
    home.mkdir(exist_ok=True)
    chosen = os.environ.get("METAFLOW_PROFILE")
    file = home / (f"config_{chosen}.json" if chosen else "config.json")
    settings = json.loads(file.read_text("utf-8")) if file.exists() else {}
    text = json.dumps({**settings, MARK: name})
    (home / f"config_{name}.json").write_text(text, encoding="utf-8")
    os.environ["METAFLOW_HOME"] = str(home)
