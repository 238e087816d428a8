"""The mappings that are written to the attribute file, and what is wrong with their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from metaflow_orchestrator_kit.validate.model.values import (
    Cell,
    Entry,
    MapCell,
    Origin,
    Ref,
    Text,
    Value,
    options_of,
)
from metaflow_orchestrator_kit.validate.records import regex

_PROVIDER = regex(r"^[a-z_]+@")


def maps(value: Value | None, cells: Mapping[int, Cell]) -> Iterator[MapCell]:
    """The mappings that *value* may be."""
    for _, option in options_of(value) if value is not None else ():
        cell = cells.get(option.cell) if isinstance(option, Ref) else None
        if isinstance(cell, MapCell):
            yield cell


def wrong_keys(keys: dict[str | None, Entry]) -> Iterator[tuple[Origin, str]]:
    """Where a key has a value in a wrong form, and what that is."""
    metadata, pathspec = keys.get("metadata"), keys.get("pathspec")
    for _, option in options_of(metadata.value) if metadata else ():
        literal = option.literal() if isinstance(option, Text) else None
        if metadata and (isinstance(option, Ref) or (literal and not _PROVIDER.match(literal))):
            said = literal if literal is not None else "a mapping"
            yield metadata.origin, f"`metadata` is {said}, and not a metadata provider, `TYPE@info`"
            break
    for _, option in options_of(pathspec.value) if pathspec else ():
        if not isinstance(option, Text) or pathspec is None:
            continue
        skeleton = option.skeleton()
        if skeleton.count("/") > 1 or ("/" not in skeleton and "\0" not in skeleton):
            shown = skeleton.replace("\0", "...")
            yield pathspec.origin, f"`pathspec` is {shown}, and not `<flow>/<run id>`"
        elif "UNKNOWN" in skeleton.upper().partition("/")[0] or _guessed(option):
            yield pathspec.origin, "`pathspec` may name no flow (UNKNOWN), so `.run` finds nothing"


def _guessed(text: Text) -> bool:
    """Whether the flow's part may be the word that stands for not knowing it."""
    first = text.parts[0].content if text.parts else ""
    if isinstance(first, str):
        return False
    return any(
        isinstance(o, Text) and (o.literal() or "").upper() == "UNKNOWN"
        for _, o in options_of(first)
    )
