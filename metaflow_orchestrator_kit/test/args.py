"""Deploy arguments on the command line: ``k=v,k2="a,b"``, and back again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


class ArgumentError(ValueError):
    """A deploy argument cannot be read; the message says which and how to write it."""


def parse_list(text: str) -> dict[str, str]:
    """The arguments in ``k=v,k2=v2``.

    A value may hold anything but a comma; with a comma in it, or a quote as its first
    character, it is written in single or double quotes, where the quote itself is doubled.

    Raises:
        ArgumentError: a part has no ``=``, a key is no name or comes twice, or a quote is
            not closed.
    """
    found: dict[str, str] = {}
    position: int | None = 0 if text else None
    while position is not None:
        equals = text.find("=", position)
        comma = text.find(",", position)
        if equals < 0 or 0 <= comma < equals:
            part = text[position : comma if comma >= 0 else None]
            raise ArgumentError(
                f"'{part}' is not of the form key=value; a value that contains a comma needs "
                'quotes: key="a,b".'
            )
        key = text[position:equals].strip()
        value, position = _value(text, equals + 1, key)
        _add(found, key, value)
    return found


def parse_one(text: str) -> tuple[str, str]:
    """Key and value of one ``key=value``; the value is everything after the first ``=``.

    Raises:
        ArgumentError: there is no ``=``, or the key is no name.
    """
    key, equals, value = text.partition("=")
    if not equals:
        raise ArgumentError(f"'{text}' is not of the form key=value.")
    single: dict[str, str] = {}
    _add(single, key.strip(), value)
    return key.strip(), value


def parse_all(lists: Iterable[str], singles: Iterable[str]) -> dict[str, str]:
    """All arguments of ``--deploy-args`` and ``--deploy-arg`` together.

    Raises:
        ArgumentError: one of them cannot be read, or a key is given twice.
    """
    found: dict[str, str] = {}
    pairs = [pair for text in lists for pair in parse_list(text).items()]
    for key, value in [*pairs, *map(parse_one, singles)]:
        _add(found, key, value)
    return found


def format_list(arguments: Mapping[str, str]) -> str:
    """The text that :func:`parse_list` reads as these arguments."""
    return ",".join(f"{key}={_quoted(value)}" for key, value in arguments.items())


def _value(text: str, start: int, key: str) -> tuple[str, int | None]:
    """The value that starts there, and where the next key starts, if there is one."""
    quote = text[start : start + 1]
    if quote not in ("'", '"') or not quote:
        comma = text.find(",", start)
        return (text[start:], None) if comma < 0 else (text[start:comma], comma + 1)
    value, position = "", start + 1
    while True:
        end = text.find(quote, position)
        if end < 0:
            raise ArgumentError(f"The quote {quote} in the value of '{key}' is not closed.")
        value += text[position:end]
        if text[end + 1 : end + 2] != quote:
            break
        value += quote
        position = end + 2
    if text[end + 1 : end + 2] not in ("", ","):
        raise ArgumentError(
            f"There is text after the closing quote of '{key}': '{text[end + 1 :]}'."
        )
    return value, end + 2 if text[end + 1 : end + 2] == "," else None


def _quoted(value: str) -> str:
    if "," in value or value[:1] in ("'", '"'):
        return '"' + value.replace('"', '""') + '"'
    return value


def _add(found: dict[str, str], key: str, value: str) -> None:
    if not _KEY.match(key):
        raise ArgumentError(f"'{key}' is not the name of a deploy argument.")
    if key in found:
        raise ArgumentError(f"The deploy argument '{key}' is given twice.")
    found[key] = value
