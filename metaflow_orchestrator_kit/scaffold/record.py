"""The record in a generated project: the answers, the kit's version, a hash of each file.

It tells which files the author has changed since, and which ones a newer kit may replace.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from metaflow_orchestrator_kit import __version__
from metaflow_orchestrator_kit.scaffold.errors import ScaffoldError

PATH = PurePosixPath(".metaflow-orchestrator-kit.json")
FORMAT = 1


def content(answers: Mapping[str, str], files: Iterable[tuple[PurePosixPath, bytes, str]]) -> bytes:
    """The record of a project whose files are ``(path, bytes, owner)``."""
    return serialised(answers, {path: entry(owner, data) for path, data, owner in files})


def serialised(answers: Mapping[str, str], files: Mapping[PurePosixPath, Entry]) -> bytes:
    """The record of a project, as this kit writes it."""
    document = {
        "version": FORMAT,
        "kit_version": __version__,
        "answers": dict(answers),
        "files": {
            str(path): {"owner": files[path].owner, "sha256": files[path].sha256}
            for path in sorted(files)
        },
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def entry(owner: str, data: bytes) -> Entry:
    """What the record says of a file that has just been generated."""
    return Entry(owner, hashlib.sha256(data).hexdigest())


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


@dataclass(frozen=True, slots=True)
class Entry:
    """What a record says of one file: whose it is, and the hash of what was generated."""

    owner: str
    sha256: str

    def matches(self, data: bytes) -> bool:
        """Whether a file still is as it was generated."""
        return hashlib.sha256(data).hexdigest() == self.sha256


@dataclass(frozen=True, slots=True)
class Record:
    """A record that was read.

    Attributes:
        kit_version: the kit that generated the project, or updated it last.
        name: the name of the extension.
        engine: the engine that it started from.
        files: an entry for every file that was generated.
    """

    kit_version: str
    name: str
    engine: str
    files: Mapping[PurePosixPath, Entry]


def read(folder: Path) -> Record:
    """The record of a project.

    Raises:
        ScaffoldError: there is none, it cannot be understood, or a newer kit wrote it.
    """
    place = folder / PATH
    try:
        document = json.loads(place.read_text(encoding="utf-8"))
        version = document["version"]
        if version == FORMAT:
            answers = document["answers"]
            return Record(
                kit_version=_text(document["kit_version"]),
                name=_text(answers["name"]),
                engine=_text(answers["engine"]),
                files={
                    PurePosixPath(path): Entry(_text(entry["owner"]), _text(entry["sha256"]))
                    for path, entry in document["files"].items()
                },
            )
    except FileNotFoundError as error:
        raise ScaffoldError(
            f"{place} is missing, so nothing says what was generated into {folder}. Name the "
            "folder of a project that the scaffold wrote, or bring the file back from version "
            "control."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ScaffoldError(
            f"{place} cannot be understood ({error!r}). Bring it back from version control."
        ) from error
    raise ScaffoldError(
        f"{place} has version {version!r}, and this kit ({__version__}) reads version {FORMAT}. "
        "Update the kit."
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value
