"""The record in a generated project: the answers, the kit's version, a hash of each file.

It tells which files the author has changed since, and which ones a newer kit may replace.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from metaflow_orchestrator_kit import __version__

PATH = PurePosixPath(".metaflow-orchestrator-kit.json")
FORMAT = 1


def content(answers: Mapping[str, str], files: Iterable[tuple[PurePosixPath, bytes, str]]) -> bytes:
    """The record of a project whose files are ``(path, bytes, owner)``."""
    document = {
        "version": FORMAT,
        "kit_version": __version__,
        "answers": dict(answers),
        "files": {
            str(path): {"owner": owner, "sha256": hashlib.sha256(data).hexdigest()}
            for path, data, owner in files
        },
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def recorded_name(folder: Path) -> str | None:
    """The name of the extension that was generated into a folder; None when there is no record.

    A record that cannot be read counts as none: its reader only warns of a mistake.
    """
    try:
        document = json.loads((folder / PATH).read_text(encoding="utf-8"))
        name = document["answers"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None
