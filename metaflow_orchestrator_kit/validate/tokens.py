"""Lists and strings as the words of a command line, with conditions and origins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Cell,
    Conds,
    Const,
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
from metaflow_orchestrator_kit.validate.records import record, regex, replace

KINDS = ("init", "step", "dump")
FLAGS_WITHOUT_VALUE = {"--quiet", "--no-pylint", "--pylint", "--production", "--no-production"}
_SEPARATORS = regex(r"&&|\|\||;|\||&|\n\s*|then|do|fi|done|else|elif|if|while|!")
_OPERATORS = frozenset(["&&", "||", ";"])
_INTERPRETER = regex(r"(?:^|/)python[\d.]*$")
_SHELL_PIECE = regex(r"\s*\n\s*|[ \t\r\f\v]+|&&|\|\||;|\||[^\s;|&]+|&")
_PIECE = regex(r"\s+|\S+")
_NEWLINE = regex(r"\s*\n\s*")
_KIND = regex("|".join(KINDS))
_CONTINUED = regex(r"(?:[ \t]*\\\n)+[ \t]*")
_MASKED = regex(r"\{\{.*?\}\}|\$\(\(.*?\)\)|\$\([^()]*\)|\$\{[^}]*\}|\{%.*?%\}", re.S)
_PLACEHOLDER = regex(
    r"\{\{[^}]*\}\}|\{[\w.!]*\}|\$\{?\w+(?:\[@\])?\}?|%\(\w+\)s|<\w+>|\$\(.*\)|\"?\$@\"?"
)


@record()
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
            for token in _tokens_of_word(value, cells):
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


@record(frozen=False)
class _Word:
    text: str
    values: list[Value]
    conds: Conds
    origin: Origin
    uid: int


@record()
class _Stretch:
    """A part of a string, and which of its characters: of the text, and of what masks it."""

    part: Part
    masked: str = ""
    start: int = 0
    end: int = 0

    def text(self) -> str:
        content = self.part.content
        return content[self.start : self.end] if isinstance(content, str) else "\0"


def _tokens_of_word(text: Text, cells: Mapping[int, Cell]) -> list[Token]:
    """The words of a string that is an element of a list: hardly ever more than one."""
    whole = [
        _Stretch(p, _masked(p.content), 0, len(p.content))
        if isinstance(p.content, str)
        else _Stretch(p)
        for p in text.parts
    ]
    return _tokens(whole, cells, shell=False)


def tokens_of_text(text: Text, cells: Mapping[int, Cell]) -> list[Token]:
    """The words of those lines of a script that may name a sub-command, and what parts commands.

    Of a program of thousands of lines, a few launch something. What a word is depends on the
    word before it, so that lines with one are among them too.
    """
    kept: list[list[_Stretch]] = []
    is_wanted = False
    for line in reversed(_lines(text)):
        plain = "".join(s.text() for s in line)
        may_name = bool(_KIND.search(plain)) or any(isinstance(s.part.content, Ref) for s in line)
        if may_name or is_wanted:
            kept.append(line)
            is_wanted = may_name or not _has_word(line)
    return _tokens([s for line in reversed(kept) for s in line], cells, shell=True)


def _lines(text: Text) -> list[list[_Stretch]]:
    """What stands between the newlines that end a command, those included."""
    lines: list[list[_Stretch]] = [[]]
    for part in text.parts:
        content = part.content
        if not isinstance(content, str):
            lines[-1].append(_Stretch(part))
            continue
        masked = _masked(content, shell=True)
        start = 0
        for space in _NEWLINE.finditer(masked) if "\n" in masked else ():
            if _SEPARATORS.fullmatch(content[space.start() : space.end()].strip(" \t")):
                lines[-1].append(_Stretch(part, masked, start, space.end()))
                lines.append([])
                start = space.end()
        if start < len(masked):
            lines[-1].append(_Stretch(part, masked, start, len(masked)))
    return lines


def _has_word(line: Iterable[_Stretch]) -> bool:
    """Whether something in a line is certainly a word, and no separator."""
    words = (w for s in line for w in s.masked[s.start : s.end].split())
    return any(w.isalnum() and not _SEPARATORS.fullmatch(w) for w in words)


def _tokens(stretches: Iterable[_Stretch], cells: Mapping[int, Cell], shell: bool) -> list[Token]:
    found: list[Token] = []
    word: _Word | None = None

    def flush() -> None:
        nonlocal word
        if word is not None:
            found.append(_token(word, found, shell))
            word = None

    pattern = _SHELL_PIECE if shell else _PIECE
    for stretch in stretches:
        part = stretch.part
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
        for match in pattern.finditer(stretch.masked, stretch.start, stretch.end):
            piece = part.content[match.start() : match.end()]
            if _CONTINUED.fullmatch(piece) or (
                piece.isspace() and (not shell or "\n" not in piece)
            ):
                flush()
            elif piece in _OPERATORS or (shell and _SEPARATORS.fullmatch(piece.strip(" \t"))):
                # As a word of a list it has come out of `shlex.split()`.
                flush()
                found.append(Token(piece, (), part.conds, part.origin, 0, boundary=True))
            else:
                where = _place(part, match.start())
                word = word or _Word("", [], part.conds, where, part.uid)
                if word.text == "--":
                    # "--" + name: the name is where the option is decided on.
                    word.origin = where
                word.text += piece
    flush()
    return found


def _place(part: Part, offset: int) -> Origin:
    from metaflow_orchestrator_kit.validate.model.strings import shift

    return shift(part.origin, str(part.content), offset)


def _masked(text: str, shell: bool = False) -> str:
    """The text with placeholders that may have spaces in them as one word each."""
    masked = _MASKED.sub(lambda m: "\1" * len(m[0]), text)
    return masked.replace("\\\n", "  ") if shell else masked


def _token(word: _Word, before: list[Token], shell: bool) -> Token:
    text = word.text.strip("'\"()!`")
    previous = next((t for t in reversed(before) if not t.boundary), None)
    takes_value = (
        previous is not None
        and previous.flag is not None
        and "=" not in previous.text
        and previous.flag not in FLAGS_WITHOUT_VALUE
    )
    unknown = text == "\0" or bool(_PLACEHOLDER.fullmatch(text))
    scalar = takes_value or (previous is not None and previous.text in KINDS) or not shell
    entry = all(t.boundary for t in before) or (
        # The script after the interpreter.
        bool(_INTERPRETER.search(before[-1].text)) and not before[-1].boundary
    )
    values = tuple(word.values)
    if unknown and not values:
        names = frozenset(re.findall(r"[A-Za-z_]\w*", text))
        values = (Unknown(names, "a placeholder", word.origin),)
    many = unknown and not scalar and not entry
    return Token(text, values, word.conds, word.origin, word.uid, many=many)
