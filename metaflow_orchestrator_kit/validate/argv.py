"""The argv model: which tokens, in which order and under which conditions, launch Metaflow.

A `Command` is one way of building ``<python> flow.py [top-level options] <init|dump|step> ...``,
from a list, a string, a shell line or generated code. Rules ask it for options on either side of
the sub-command; what the model could not follow is there as a token with ``many`` set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from metaflow_orchestrator_kit.validate.model.values import (
    Cell,
    Cond,
    Conds,
    FunctionInfo,
    Origin,
    Part,
    Text,
    Value,
    contradict,
    names_in,
)
from metaflow_orchestrator_kit.validate.records import record, regex
from metaflow_orchestrator_kit.validate.tokens import (
    FLAGS_WITHOUT_VALUE,
    KINDS,
    Token,
    tokens_of_items,
    tokens_of_text,
)

_AFTER = {
    "step": {"--run-id", "--task-id", "--input-paths", "--input-paths-filename", "--retry-count"},
    "init": {"--run-id", "--task-id"},
    "dump": {"--max-value-size", "--private", "--include", "--file"},
}
_BEFORE = {
    "--quiet", "--no-pylint", "--metadata", "--datastore", "--datastore-root", "--environment",
    "--event-logger", "--monitor", "--with", "--package-suffixes",
}  # fmt: skip
_OF_EVERY_FLOW = _BEFORE - {"--with"}
_OF_DECORATORS = regex(
    r"^(?:self|obj|flow|cls|metaflow)$|deco|get_top_level_options|cli_options|top_op"
)

__all__ = [
    "KINDS",
    "Command",
    "Option",
    "Presence",
    "Side",
    "Token",
    "commands_in",
    "maximal",
    "tokens_of_items",
    "tokens_of_text",
]


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


@record()
class Option:
    """An option with its value: literal text, what is formatted into it, and its conditions."""

    flag: str
    text: str | None
    values: tuple[Value, ...]
    conds: Conds
    origin: Origin


@record()
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
            # Asked of every token for every flag: the cheap question first.
            if not token.text.startswith(flag) or token.flag != flag:
                continue
            _, equals, text = token.text.partition("=")
            if equals:
                found.append(Option(flag, text, token.values, token.conds, token.origin))
                continue
            following = tokens[position + 1] if position + 1 < len(tokens) else None
            if flag in FLAGS_WITHOUT_VALUE or following is None or following.flag:
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
            for position, t in enumerate(tokens)
            if t.many
            or t.text.startswith("--\0")
            or (t.text == "\0" and _repeats(t) and not _is_value(tokens, position))
        ]
        if side is Side.TOP and hidden and len(tokens) > 1 and tokens[0] is hidden[0]:
            hidden = hidden[1:]
        return hidden

    def presence(self, flag: str, side: Side) -> Presence:
        """Whether *flag* is passed on that side, over all conditions."""
        found = self.options(flag, side)
        if not found:
            fragment = side is Side.TOP and self.at == 0
            return Presence.UNKNOWN if fragment or self._hides(flag, side) else Presence.ABSENT
        if _certain({self._foreign(o) for o in found}):
            return Presence.ALWAYS
        return Presence.UNKNOWN if self.unknown(side) else Presence.SOMETIMES

    def _hides(self, flag: str, side: Side) -> bool:
        """Whether *flag* may be among what could not be followed.

        What the flow's decorators answer is their own options, and none that every flow has.
        """
        hidden = self.unknown(side)
        if flag in _OF_EVERY_FLOW:
            hidden = [t for t in hidden if not _is_of_decorators(t)]
        return bool(hidden)

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


def _is_of_decorators(token: Token) -> bool:
    """Whether a token stands for what ``get_top_level_options()`` answered, and nothing else."""
    return "get_top_level_options" in token.names and all(
        _OF_DECORATORS.search(name) for name in token.names
    )


def _is_value(tokens: Sequence[Token], position: int) -> bool:
    """Whether a token stands behind a flag, or in place of one that does."""
    for before in reversed(tokens[:position]):
        if before.flag:
            return True
        if not contradict(before.conds, tokens[position].conds):
            return False
    return False


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
        if previous not in FLAGS_WITHOUT_VALUE:
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
