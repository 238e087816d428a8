"""Which datastore the suite uses: one of its own, or the user's where that is not local."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import metaflow_orchestrator_kit

_USER_VARIABLES = ("METAFLOW_USER", "SUDO_USER", "USERNAME", "USER")

_OURS_WHEN_LOCAL = (
    "METAFLOW_DATASTORE",
    "METAFLOW_METADATA",
    "METAFLOW_DATASTORE_ROOT",
    "METAFLOW_RUN_ID",
    "METAFLOW_PRODUCTION_TOKEN",
)
"""Would point a command of the suite somewhere else (clause C11)."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables for every process of the suite."""

    variables: dict[str, str]
    isolated: bool
    """Whether the datastore root is the suite's own folder."""
    user: str


def lab_environment(environ: Mapping[str, str], root: Path) -> Environment:
    """The environment of a suite whose own datastore root would be ``root``.

    A configured datastore or metadata service that is not local stays as it is: a remote
    scheduler needs it. Otherwise both are local, below ``root``; the rest of the user's
    Metaflow configuration (``METAFLOW_HOME``, ``METAFLOW_PROFILE``) still holds, because
    an extension may read its own settings there.
    """
    variables = {**environ, "PYTHONPATH": _python_path(environ)}
    user = next(
        (name for key in _USER_VARIABLES if (name := environ.get(key)) and name != "root"), ""
    )
    if not user:
        user = variables["METAFLOW_USER"] = "compliance"
    remote = any(
        (_configured(environ, key) or "local") != "local"
        for key in ("METAFLOW_DEFAULT_DATASTORE", "METAFLOW_DEFAULT_METADATA")
    )
    if not remote:
        for key in _OURS_WHEN_LOCAL:
            variables.pop(key, None)
        variables["METAFLOW_DEFAULT_DATASTORE"] = "local"
        variables["METAFLOW_DEFAULT_METADATA"] = "local"
        variables["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = str(root)
    return Environment(variables, isolated=not remote, user=user)


def _python_path(environ: Mapping[str, str]) -> str:
    """With the kit on it: a checkout need not be installed, nor be the current directory."""
    known = [part for part in environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    root = str(Path(metaflow_orchestrator_kit.__file__).resolve().parents[1])
    if root in known or root.endswith(("site-packages", "dist-packages")):
        return os.pathsep.join(known)
    return os.pathsep.join([*known, root])


def _configured(environ: Mapping[str, str], key: str) -> str | None:
    """A Metaflow setting: from the environment, else from the profile's file."""
    if environ.get(key):
        return environ[key]
    home = Path(environ.get("METAFLOW_HOME") or Path(environ.get("HOME", "/")) / ".metaflowconfig")
    profile = environ.get("METAFLOW_PROFILE")
    file = home / (f"config_{profile}.json" if profile else "config.json")
    try:
        value = json.loads(file.read_text("utf-8")).get(key)
    except (OSError, ValueError, AttributeError):
        return None
    return str(value) if value else None
