"""The entries of a known-failures file, and how it is read.

The file is a YAML list whose entries have three texts: ``case``, ``message`` (a part of the
failure's message) and ``reason`` (why, or the link of an issue). It is read with the places of
its nodes, so that a message can name the line, and an update can leave the rest as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from metaflow_orchestrator_kit.compliance.config import ConfigError

KEYS = ("case", "message", "reason")


@dataclass(frozen=True, slots=True)
class KnownFailure:
    """One entry: this case fails, with this in its message, for that reason."""

    case: str
    message: str
    reason: str
    place: str = ""
    """``file:line``, for messages."""

    def covers(self, message: str) -> bool:
        """Whether a failure's message has the fragment; runs of white space are one space."""
        return " ".join(self.message.split()) in " ".join(message.split())


@dataclass(frozen=True, slots=True)
class Parsed:
    """An entry, and where its parts are in the text."""

    entry: KnownFailure
    first_line: int
    """Of the entry, from 0; where its dash is."""
    after: int
    """The line after its last one."""
    indent: int
    """Of its dash."""
    message_span: tuple[int, int]
    """Where the message is, as positions in the text."""


def read(file: Path) -> list[KnownFailure]:
    """The entries of a file.

    Raises:
        ConfigError: it cannot be read, is not of the form above, names a case twice, or an
            entry has no reason.
    """
    entries = [one.entry for one in parse(text_of(file), file)]
    for entry in entries:
        if not entry.reason:
            raise ConfigError(
                f"{entry.place}: '{entry.case}' has no reason; "
                "say why it fails, or give the link of an issue."
            )
    return entries


def text_of(file: Path) -> str:
    """What is in the file.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return file.read_text("utf-8")
    except OSError as error:
        hint = "; --update-known-failures writes it" if isinstance(error, FileNotFoundError) else ""
        raise ConfigError(f"{file}: cannot be read ({error.strerror}){hint}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: is not text in UTF-8.") from None


def parse(text: str, file: Path) -> list[Parsed]:
    """The entries of a text; a reason may be missing.

    Raises:
        ConfigError: it is not of the form above, or a case comes twice.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: not valid YAML ({' '.join(str(error).split())}).") from None
    if root is None:
        return []
    if not isinstance(root, yaml.SequenceNode):
        raise ConfigError(f"{file}: must be a list of entries with {', '.join(KEYS)}.")
    found: dict[str, Parsed] = {}
    for node in root.value:
        one = _parse_entry(node, file)
        if one.entry.case in found:
            first = found[one.entry.case].entry.place
            raise ConfigError(
                f"{one.entry.place}: '{one.entry.case}' is listed already, at {first}."
            )
        found[one.entry.case] = one
    return list(found.values())


def _parse_entry(node: yaml.Node, file: Path) -> Parsed:
    place = f"{file}:{node.start_mark.line + 1}"
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{place}: an entry has the keys {', '.join(KEYS)}.")
    values: dict[str, yaml.ScalarNode] = {}
    for key, value in node.value:
        name = str(key.value)
        if name not in KEYS or name in values:
            wrong = "comes twice" if name in values else f"is not one of {', '.join(KEYS)}"
            raise ConfigError(f"{file}:{key.start_mark.line + 1}: the key '{name}' {wrong}.")
        if not isinstance(value, yaml.ScalarNode):
            raise ConfigError(f"{file}:{value.start_mark.line + 1}: '{name}' must be text.")
        values[name] = value
    texts = {name: _text(value) for name, value in values.items()}
    for name in ("case", "message"):
        if not texts.get(name):
            raise ConfigError(f"{place}: an entry needs '{name}'.")
    end = max((value.end_mark for value in values.values()), key=lambda mark: mark.index)
    message = values["message"]
    return Parsed(
        KnownFailure(texts["case"], texts["message"], texts.get("reason", ""), place),
        first_line=node.start_mark.line,
        # A block of lines ends at the beginning of the line after it.
        after=end.line if end.column == 0 else end.line + 1,
        indent=max(0, node.start_mark.column - 2),
        message_span=(message.start_mark.index, message.end_mark.index),
    )


def _text(node: yaml.ScalarNode) -> str:
    return "" if node.tag == "tag:yaml.org,2002:null" else str(node.value).strip()
