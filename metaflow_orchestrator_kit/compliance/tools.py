"""Which programs there are that build interpreters for steps: uv, and Metaflow's micromamba."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from metaflow_orchestrator_kit.compliance.case import Need


def tools(environ: Mapping[str, str]) -> list[str]:
    """The names of the needs that this machine meets."""
    found = []
    if any(_is_there(name, environ) for name in _micromambas(environ)):
        found.append(Need.MICROMAMBA.name)
    if _is_there("uv", environ):
        found.append(Need.UV.name)
    return found


def _is_there(program: str, environ: Mapping[str, str]) -> bool:
    return shutil.which(program, path=environ.get("PATH")) is not None


def _micromambas(environ: Mapping[str, str]) -> Iterator[str]:
    """Where Metaflow looks for it, before it fetches one."""
    yield environ.get("METAFLOW_PATH_TO_MICROMAMBA") or "micromamba"
    user = Path(environ.get("HOME", "/"), ".metaflowconfig")
    home = environ.get("METAFLOW_TOKEN_HOME") or environ.get("METAFLOW_HOME") or str(user)
    yield str(Path(home, "micromamba", "bin", "micromamba"))
