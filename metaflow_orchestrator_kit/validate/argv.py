"""The argv model: which tokens, in which order and under which conditions, launch Metaflow.

A `Command` is one way of building ``<python> flow.py [top-level options] <init|dump|step> ...``,
from a list, a string, a shell line or generated code. Rules ask it for options on either side of
the sub-command; what the model could not follow is there as a token with ``many`` set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Cell,
    Cond,
    Conds,
    Const,
    FunctionInfo,
    Item,
    ListCell,
    Origin,
    Part,
    Ref,
    Text,
    Unknown,
    Value,
    both,
    contradict,
    names_in,
)

KINDS = ("init", "step", "dump")
_AFTER = {
    "step": {"--run-id", "--task-id", "--input-paths", "--input-paths-filename", "--retry-count"},
    "init": {"--run-id", "--task-id"},
    "dump": {"--max-value-size", "--private", "--include", "--file"},
}
_BEFORE = {
    "--quiet", "--no-pylint", "--metadata", "--datastore", "--datastore-root", "--environment",
    "--event-logger", "--monitor", "--with", "--package-suffixes",
}  # fmt: skip
_FLAGS_WITHOUT_VALUE = {"--quiet", "--no-pylint", "--pylint", "--production", "--no-production"}
_SEPARATORS = re.compile(r"&&|\|\||;|\||&|\n\s*|then|do|fi|done|else|elif|if|while|!")
_MASKED = re.compile(r"\{\{.*?\}\}|\$\(\(.*?\)\)|\$\([^()]*\)|\$\{[^}]*\}|\{%.*?%\}", re.S)
_PLACEHOLDER = re.compile(
    r"\{\{[^}]*\}\}|\{[\w.!]*\}|\$\{?\w+(?:\[@\])?\}?|%\(\w+\)s|<\w+>|\$\(.*\)|\"?\$@\"?"
)
_CONDITIONAL = re.compile(r"\{%-?\s*(if|elif|else|endif|for|endfor)\b(.*?)-?%\}", re.S)


class Side(Enum):
    """On which side of the sub-command an option stands."""

    TOP = "before the sub-command"
    COMMAND = "after the sub-command"


class Presence(Enum):
    """Whether an option is passed."""

    ALWAYS = "always"
    SOMETIMES = "sometimes"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a command; ``\\0`` in the text stands for a value that is formatted in."""

    text: str
    values: tuple[Value, ...]
    conds: Conds
    origin: Origin
    uid: int
    many: bool = False
    boundary: bool = False

    @property
    def flag(self) -> str | None:
        """``--name`` when the token is an option."""
        if not self.text.startswith("--") or self.many:
            return None
        return self.text.partition("=")[0]

    @property
    def names(self) -> frozenset[str]:
        return frozenset[str]().union(*(names_in(v) for v in self.values))


@dataclass(frozen=True, slots=True)
class Option:
    """An option with its value: literal text, what is formatted into it, and its conditions."""

    flag: str
    text: str | None
    values: tuple[Value, ...]
    conds: Conds
    origin: Origin


@dataclass(frozen=True, slots=True)
class Command:
    """One way of launching ``init``, ``dump`` or ``step``."""

    kind: str
    tokens: tuple[Token, ...]
    at: int
    function: FunctionInfo | None
    cells: Mapping[int, Cell]
    from_list: bool = False

    @property
    def origin(self) -> Origin:
        return self.tokens[self.at].origin

    @property
    def conds(self) -> Conds:
        return self.tokens[self.at].conds

    def side(self, side: Side) -> tuple[Token, ...]:
        return self.tokens[: self.at] if side is Side.TOP else self.tokens[self.at + 1 :]

    def options(self, flag: str, side: Side) -> list[Option]:
        """Every place where *flag* is passed on that side."""
        tokens = self.side(side)
        found: list[Option] = []
        for position, token in enumerate(tokens):
            if token.flag != flag:
                continue
            _, equals, text = token.text.partition("=")
            if equals:
                found.append(Option(flag, text, token.values, token.conds, token.origin))
                continue
            following = tokens[position + 1] if position + 1 < len(tokens) else None
            if flag in _FLAGS_WITHOUT_VALUE or following is None or following.flag:
                found.append(Option(flag, None, (), token.conds, token.origin))
            else:
                values = tuple(
                    v
                    for t in _alternatives(tokens[position + 1 :])
                    for v in (t.values or (Text((Part(t.text, t.origin),)),))
                )
                found.append(Option(flag, following.text, values, token.conds, token.origin))
        return found

    def unknown(self, side: Side) -> list[Token]:
        """Tokens of that side whose contents could not be followed, the entry point aside."""
        tokens = self.side(side)
        hidden = [
            t
            for before, t in zip((None, *tokens), tokens, strict=False)
            if t.many
            or t.text.startswith("--\0")
            or (t.text == "\0" and _repeats(t) and not (before and before.flag))
        ]
        if side is Side.TOP and hidden and len(tokens) > 1 and tokens[0] is hidden[0]:
            hidden = hidden[1:]
        return hidden

    def presence(self, flag: str, side: Side) -> Presence:
        """Whether *flag* is passed on that side, over all conditions."""
        found = self.options(flag, side)
        if not found:
            fragment = side is Side.TOP and self.at == 0
            return Presence.UNKNOWN if fragment or self.unknown(side) else Presence.ABSENT
        if _certain({self._foreign(o) for o in found}):
            return Presence.ALWAYS
        return Presence.UNKNOWN if self.unknown(side) else Presence.SOMETIMES

    def _foreign(self, option: Option) -> frozenset[Cond]:
        """The conditions of an option that are neither the command's nor about its own value."""
        names = frozenset[str]().union(*(names_in(v) for v in option.values))
        return frozenset(
            c
            for c in option.conds
            if c.kind in ("if", "loop") and c not in self.conds and not (c.subject & names)
        )

    def mentions(self, name: str, side: Side) -> Token | None:
        """A token of that side that was made from the identifier *name*."""
        return next((t for t in self.side(side) if name in t.names), None)


def _repeats(token: Token) -> bool:
    """Whether the token stands for each element of something that is not known."""
    return any(c.kind == "loop" for c in token.conds)


def _certain(ways: set[frozenset[Cond]]) -> bool:
    """Whether one of the ways always holds: ``a`` and ``not a`` together are certain."""
    for _ in range(20):
        if frozenset() in ways:
            return True
        merged = {
            a - {c}
            for a in ways
            for c in a
            if (a - {c}) | {c.negated()} in ways or (a - {c}) in ways
        }
        if merged <= ways:
            return False
        ways = set(list(ways | merged)[:200])
    return False


def _alternatives(tokens: Sequence[Token]) -> Iterator[Token]:
    """The value token, and those that take its place under contradicting conditions."""
    first = tokens[0]
    yield first
    for token in tokens[1:]:
        if token.flag or not contradict(first.conds, token.conds):
            return
        yield token


# -- tokens -----------------------------------------------------------------------------------


def tokens_of_items(items: Iterable[Item], cells: Mapping[int, Cell]) -> list[Token]:
    """The tokens of a list; elements such as ``"--run-id x"`` count as two."""
    found: list[Token] = []
    for item in items:
        if item.many:
            found.append(Token("\0", (item.value,), item.conds, item.origin, item.uid, many=True))
        elif isinstance(item.value, Text) and _is_command_line(item.value):
            # A list of shell lines; each line is looked at as a string of its own.
            found.append(Token("", (), item.conds, item.origin, 0, boundary=True))
        else:
            found.extend(_value_tokens(item.value, item, cells))
    return found


def _is_command_line(text: Text) -> bool:
    words = text.skeleton("x").split()
    return len(words) > 2 and any(w in KINDS or _SEPARATORS.fullmatch(w) for w in words)


def _value_tokens(value: Value, item: Item, cells: Mapping[int, Cell]) -> Iterator[Token]:
    match value:
        case Text():
            for token in tokens_of_text(value, cells, shell=False):
                yield replace(token, conds=both(item.conds, token.conds))
        case Alt(options=options):
            for conds, option in options:
                yield from _value_tokens(option, item.under(conds), cells)
        case Const(value=None):
            return
        case Const(value=constant):
            yield Token(str(constant), (value,), item.conds, item.origin, item.uid)
        case Ref():
            cell = cells.get(value.cell)
            # A list within a list is an argument list of its own, not a part of this one.
            nested = isinstance(cell, ListCell)
            text = "" if nested else "\0"
            yield Token(text, (value,), item.conds, item.origin, item.uid, boundary=nested)
        case _:
            yield Token("\0", (value,), item.conds, item.origin, item.uid)


@dataclass(slots=True)
class _Word:
    text: str
    values: list[Value]
    conds: Conds
    origin: Origin
    uid: int


def tokens_of_text(text: Text, cells: Mapping[int, Cell], shell: bool = True) -> list[Token]:
    """The words of a string; with *shell*, command separators are boundaries."""
    found: list[Token] = []
    word: _Word | None = None

    def flush() -> None:
        nonlocal word
        if word is not None:
            found.append(_token(word, found, shell))
            word = None

    for part in text.parts:
        if word is not None and contradict(word.conds, part.conds):
            flush()
        if not isinstance(part.content, str):
            cell = cells.get(part.content.cell) if isinstance(part.content, Ref) else None
            if isinstance(cell, ListCell) and not part.repr_:
                flush()
                found.extend(tokens_of_items([i.under(part.conds) for i in cell.items], cells))
                continue
            word = word or _Word("", [], part.conds, part.origin, part.uid)
            word.text += "\0"
            word.values.append(part.content)
            continue
        offset = 0
        for piece in _pieces(part.content, shell):
            if piece.isspace() and (not shell or "\n" not in piece):
                flush()
            elif shell and _SEPARATORS.fullmatch(piece.strip(" \t")):
                flush()
                found.append(Token(piece, (), part.conds, part.origin, 0, boundary=True))
            else:
                where = _place(part, offset)
                word = word or _Word("", [], part.conds, where, part.uid)
                if word.text == "--":
                    # "--" + name: the name is where the option is decided on.
                    word.origin = where
                word.text += piece
            offset += len(piece)
    flush()
    return found


def _place(part: Part, offset: int) -> Origin:
    from metaflow_orchestrator_kit.validate.model.strings import shift

    return shift(part.origin, str(part.content), offset)


def _pieces(text: str, shell: bool) -> Iterator[str]:
    """Words, white space and separators; placeholders with spaces in them stay whole."""
    masked = _MASKED.sub(lambda m: "\1" * len(m[0]), text)
    if shell:
        masked = re.sub(r"\\\n", "  ", masked)
    pattern = r"\s*\n\s*|[ \t\r\f\v]+|&&|\|\||;|\||[^\s;|&]+|&" if shell else r"\s+|\S+"
    for match in re.finditer(pattern, masked):
        yield text[match.start() : match.end()]


def _token(word: _Word, before: list[Token], shell: bool) -> Token:
    text = word.text.strip("'\"()!`")
    previous = next((t for t in reversed(before) if not t.boundary), None)
    takes_value = (
        previous is not None
        and previous.flag is not None
        and "=" not in previous.text
        and previous.flag not in _FLAGS_WITHOUT_VALUE
    )
    unknown = text == "\0" or bool(_PLACEHOLDER.fullmatch(text))
    scalar = takes_value or (previous is not None and previous.text in KINDS) or not shell
    entry = all(t.boundary for t in before)
    values = tuple(word.values)
    if unknown and not values:
        names = frozenset(re.findall(r"[A-Za-z_]\w*", text))
        values = (Unknown(names, "a placeholder", word.origin),)
    many = unknown and not scalar and not entry
    return Token(text, values, word.conds, word.origin, word.uid, many=many)


# -- commands ---------------------------------------------------------------------------------


def commands_in(
    tokens: Sequence[Token],
    function: FunctionInfo | None,
    cells: Mapping[int, Cell],
    from_list: bool = False,
) -> Iterator[Command]:
    """The commands among *tokens*: one for each sub-command, in the world where it is passed."""
    for segment in _segments(tokens):
        for position, token in enumerate(segment):
            if token.text not in KINDS or token.many or not _is_subcommand(segment, position):
                continue
            world = [t for t in segment if not contradict(t.conds, token.conds)]
            at = next(n for n, t in enumerate(world) if t is token)
            yield Command(token.text, tuple(world), at, function, cells, from_list)


def _segments(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    segment: list[Token] = []
    for token in tokens:
        if token.boundary:
            if segment:
                yield segment
            segment = []
        else:
            segment.append(token)
    if segment:
        yield segment


def _is_subcommand(segment: Sequence[Token], position: int) -> bool:
    """Whether the word is a sub-command of a flow: options of Metaflow stand around it."""
    kind = segment[position].text
    before = {t.flag for t in segment[:position]}
    after = {t.flag for t in segment[position + 1 :]}
    if position and segment[position - 1].flag and "=" not in segment[position - 1].text:
        previous = segment[position - 1].flag
        if previous not in _FLAGS_WITHOUT_VALUE:
            return False
    if kind == "step" and (position + 1 == len(segment) or segment[position + 1].flag):
        # A step has a name.
        return False
    if after & _AFTER[kind]:
        return True
    if kind == "dump":
        return any("_parameters" in t.text for t in segment[position + 1 :])
    return bool(before & _BEFORE) and any(t.many for t in segment[position + 1 :])


def maximal(commands: Sequence[Command]) -> list[Command]:
    """Drop what is only a fragment of a larger command, and repetitions."""
    groups: dict[int, list[Command]] = {}
    for command in commands:
        groups.setdefault(command.tokens[command.at].uid, []).append(command)
    kept: list[Command] = []
    for group in groups.values():
        listed = [{t.flag for t in c.tokens} for c in group if c.from_list]
        # A list joined for a log line says nothing that the list does not say better.
        group = [
            c
            for c in group
            if c.from_list or not any({t.flag for t in c.tokens} <= flags for flags in listed)
        ]
        group.sort(key=lambda c: -len(c.tokens))
        best: list[tuple[frozenset[int], Command]] = []
        for command in group:
            uids = frozenset(t.uid for t in command.tokens)
            if not any(uids <= other for other, _ in best):
                best.append((uids, command))
        kept.extend(c for _, c in best)
    return sorted(kept, key=lambda c: (c.origin.path, c.origin.line, c.kind))
