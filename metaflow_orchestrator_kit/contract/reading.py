"""Reading the contract's YAML: every fault is one error that names the file and the place."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import yaml

from metaflow_orchestrator_kit.contract.model import ContractError

# The same safe construction as yaml.safe_load, several times as fast where libyaml is there.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_Choice = TypeVar("_Choice", bound=Enum)


def parse(path: Path) -> object:
    """The YAML document of a file.

    Raises:
        ContractError: the file is missing or is not YAML.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except OSError as error:
        raise ContractError(f"{path.name}: cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        detail = " ".join(str(error).split())
        raise ContractError(f"{path.name}: not YAML: {detail}") from error


class Entry:
    """A mapping whose keys are all known and all there; each is read with its type.

    Raises:
        ContractError: it is no mapping, a key is unknown, or a key is missing.
    """

    def __init__(self, data: object, where: str, keys: Iterable[str]) -> None:
        self._where = where
        if not isinstance(data, dict):
            raise self.fault(f"expected a mapping, found {_named(data)}")
        known = tuple(keys)
        unknown = [str(key) for key in data if key not in known]
        if unknown:
            raise self.fault(f"unknown key '{unknown[0]}'; the keys are {', '.join(known)}")
        missing = [key for key in known if key not in data]
        if missing:
            raise self.fault(f"the key '{missing[0]}' is missing")
        self._data: dict[str, object] = data

    def fault(self, text: str) -> ContractError:
        """An error about this entry."""
        return ContractError(f"{self._where}: {text}.")

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self._data[key]
        if not isinstance(value, str) or not value.strip():
            raise self.fault(f"'{key}' must be a text, found {_named(value)}")
        return value

    def maybe_text(self, key: str) -> str | None:
        """A text, or null."""
        return None if self._data[key] is None else self.text(key)

    def number(self, key: str) -> int:
        """A number of things."""
        value = self._data[key]
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.fault(f"'{key}' must be a number from 0, found {_named(value)}")
        return value

    def items(self, key: str) -> tuple[object, ...]:
        """A list of anything."""
        value = self._data[key]
        if not isinstance(value, list):
            raise self.fault(f"'{key}' must be a list, found {_named(value)}")
        return tuple(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; it may be empty."""
        found: list[str] = []
        for item in self.items(key):
            if not isinstance(item, str):
                raise self.fault(f"'{key}' must hold texts, found {_named(item)}")
            found.append(item)
        return tuple(found)

    def choice(self, key: str, kind: type[_Choice]) -> _Choice:
        """One of the values of an enum."""
        text = self.text(key)
        try:
            return kind(text)
        except ValueError:
            known = ", ".join(str(member.value) for member in kind)
            raise self.fault(f"'{key}' is '{text}'; it can be {known}") from None


def _named(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return repr(value)
