"""The lab's diary: one JSON line per thing that happened, for whoever shows progress."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from metaflow_orchestrator_kit.compliance.lab.settings import LabSettings


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a scenario."""

    time: float
    scenario: str
    """Empty for what concerns the whole lab."""
    what: str
    over: bool = False
    """Whether it is the last of its scenario."""


def write(settings: LabSettings, scenario: str, what: str, *, over: bool = False) -> None:
    """Add a line; one write call, so that lines of several processes do not mix."""
    event = Event(time.time(), scenario, what, over)
    line = json.dumps(asdict(event)) + "\n"
    file = os.open(settings.path / "events.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def follow(file: Path, position: int) -> tuple[list[Event], int]:
    """The events after a position in the diary, and the position after them."""
    try:
        with file.open("rb") as stream:
            stream.seek(position)
            content = stream.read()
    except FileNotFoundError:
        return [], position
    complete = content[: content.rfind(b"\n") + 1]
    return list(_parse(complete)), position + len(complete)


def _parse(content: bytes) -> Iterator[Event]:
    for line in content.splitlines():
        yield Event(**json.loads(line))
