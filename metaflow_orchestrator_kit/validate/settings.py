"""What a run was asked to do: the command line, over the author's pyproject.toml."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.validate.findings import Confidence
from metaflow_orchestrator_kit.validate.records import record

TABLE = "metaflow-orchestrator-kit"
KEYS = ("select", "ignore", "min-confidence", "strict", "baseline")


class SettingsError(ValueError):
    """The configuration is malformed; the message names the file, the key and the way out."""


@record()
class Settings:
    """Which rules are asked, what counts, and what is let pass."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    min_confidence: Confidence = Confidence.LOW
    strict: bool = False
    baseline: Path | None = None


def read_settings(directory: Path) -> Settings:
    """What ``[tool.metaflow-orchestrator-kit]`` of the nearest pyproject.toml says.

    It is looked for in *directory* and above it, up to the root of the repository.

    Raises:
        SettingsError: the file is no TOML, or the table holds something else than it may.
    """
    path = _nearest(directory)
    if path is None:
        return Settings()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"'{path}' cannot be read: {error}") from error
    if TABLE not in text:
        # Most projects say nothing, and a TOML parser takes time to start.
        return Settings()
    # Python has one of its own since 3.11.
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        content: dict[str, Any] = toml.loads(text)
    except ValueError as error:
        raise SettingsError(f"'{path}' is not valid TOML: {error}") from error
    tools = content.get("tool", {})
    table = tools.get(TABLE, {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise SettingsError(f"[tool.{TABLE}] in '{path}' must be a table.")
    return _parse(table, path)


def _nearest(directory: Path) -> Path | None:
    start = (directory if directory.is_dir() else directory.parent).absolute()
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            return path
        if (folder / ".git").exists():
            return None
    return None


def _parse(table: Mapping[str, object], path: Path) -> Settings:
    where = f"[tool.{TABLE}] in '{path}'"
    for key in table:
        if key not in KEYS:
            raise SettingsError(f"{where} has no key '{key}'; there are: {', '.join(KEYS)}.")
    strict = table.get("strict", False)
    if not isinstance(strict, bool):
        raise SettingsError(f"'strict' of {where} must be true or false.")
    baseline = table.get("baseline")
    if baseline is not None and not (isinstance(baseline, str) and baseline):
        raise SettingsError(f"'baseline' of {where} must be the path of a file.")
    levels = [c.value for c in sorted(Confidence, key=lambda c: c.rank)]
    least = table.get("min-confidence", "low")
    if least not in levels:
        raise SettingsError(f"'min-confidence' of {where} must be one of {', '.join(levels)}.")
    return Settings(
        _texts(table, "select", where),
        _texts(table, "ignore", where),
        Confidence(least),
        strict,
        # As everything in a file: relative to the file, and not to where one happens to be.
        path.parent / baseline if baseline else None,
    )


def _texts(table: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise SettingsError(f"'{key}' of {where} must be a list of texts.")
    return split(value)


def split(values: Sequence[str]) -> tuple[str, ...]:
    """The parts of comma-separated lists."""
    return tuple(p.strip() for value in values for p in value.split(",") if p.strip())
