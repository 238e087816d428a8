"""What the ids that are passed to a command are made from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from metaflow_orchestrator_kit.validate.argv import Command, Option, Side
from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Cell,
    Const,
    ListCell,
    Ref,
    Text,
    Unknown,
    Value,
    is_number,
)
from metaflow_orchestrator_kit.validate.records import regex

RANDOM = frozenset(
    ["uuid1", "uuid4", "token_hex", "token_urlsafe", "randint", "randrange", "urandom",
     "getrandbits", "mkdtemp"]
)  # fmt: skip
CLOCK = frozenset(["time", "time_ns", "monotonic", "now", "utcnow", "timestamp", "strftime"])
_COUNTERS = r"attempt|retry_?count|retries|try_?number|retry_?number"
ATTEMPT = regex(_COUNTERS, re.I)
_COUNTER = regex(rf"[\w.]*(?:{_COUNTERS})\w*", re.I)
_READY_MADE = regex(r"task_?id|taskid|pathspec|identifier", re.I)
_PLACEHOLDER = regex(r"\{\{.*?\}\}|\$\{[^}]*\}|\$\(.*?\)|\{%.*?%\}|\{[^{}]*\}|\0", re.S)


def given(commands: list[Command], flag: str) -> list[Option]:
    """Every value that *flag* has after the sub-command, over all ways to build the command."""
    return [o for c in commands for o in c.options(flag, Side.COMMAND)]


def leaves(option: Option) -> Iterator[Value]:
    """The values that an option's text is made from, alternatives and parts opened."""
    waiting: list[Value] = list(option.values)
    while waiting:
        value = waiting.pop()
        match value:
            case Alt(options=options):
                waiting.extend(v for _, v in options)
            case Text(parts=parts):
                waiting.extend(p.content for p in parts if not isinstance(p.content, str))
            case _:
                yield value


def written(option: Option) -> str:
    """The literal text of an option's value, placeholders left out."""
    texts = [option.text or ""]
    waiting: list[Value] = list(option.values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Alt):
            waiting.extend(v for _, v in value.options)
        elif isinstance(value, Text):
            texts.append(value.skeleton())
    return _PLACEHOLDER.sub("", " ".join(texts))


def is_integer(option: Option) -> bool:
    """Whether the value is a whole number: one that is written down, or worked out as a sum."""
    text = (option.text or "").strip()
    if re.sub(r"[\0\"'\d]", "", text) or text.count("\0") > 1:
        return False
    values = [v for value in option.values for v in _flat(value)]
    if text.strip("\"'") == "\0" and values and all(_computed(v) for v in values):
        return True
    if not values:
        return bool(re.fullmatch(r"[\"']?\d+[\"']?", text))
    return any(_digits(v) for v in values if isinstance(v, Text)) or all(map(_digits, values))


def _flat(value: Value) -> list[Value]:
    return [v for _, o in value.options for v in _flat(o)] if isinstance(value, Alt) else [value]


def _computed(value: Value) -> bool:
    """Whether a value is nothing but a number that is worked out, as text or as it is."""
    if isinstance(value, Text):
        inner = [p.content for p in value.parts if p.content not in ("'", '"', "")]
        return len(inner) == 1 and not isinstance(inner[0], str) and is_number(inner[0])
    return isinstance(value, Unknown) and is_number(value)


def _digits(value: Value) -> bool:
    if isinstance(value, Const):
        return isinstance(value.value, int) and not isinstance(value.value, bool)
    text = value.literal() if isinstance(value, Text) else None
    return text is not None and bool(re.fullmatch(r"[\"']?\d+[\"']?", text.strip()))


def of_the_attempt(option: Option) -> str | None:
    """The name of an attempt's counter that the value was made from."""
    for placeholder in _PLACEHOLDER.findall(option.text or ""):
        found = _COUNTER.search(placeholder)
        if found and not _READY_MADE.search(placeholder):
            return found[0]
    for leaf in leaves(option):
        names = leaf.names if isinstance(leaf, Unknown) else frozenset[str]()
        if any(_READY_MADE.search(n) for n in names):
            continue
        for name in sorted(names):
            if ATTEMPT.search(name):
                return name
    return None


def new_each_time(option: Option) -> str | None:
    """What makes the value another one each time that it is worked out."""
    for leaf in leaves(option):
        names = leaf.names if isinstance(leaf, Unknown) else frozenset[str]()
        found = names & RANDOM
        if found:
            return sorted(found)[0]
    return None


def elements(value: Value, cells: Mapping[int, Cell]) -> list[Value]:
    """The elements of a list that is known."""
    cell = cells.get(value.cell) if isinstance(value, Ref) else None
    return [i.value for i in cell.items] if isinstance(cell, ListCell) else []
