"""Flows as nested pieces, the way a person draws them, and the plan that each compiles to.

A scheduler sees a flat graph of steps. Here the same flow is a tree: a split contains its
branches, a foreach its body. That makes random flows valid by construction, and lets
:mod:`walk_model` say what a run must do by plain recursion, without walking any graph.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from hypothesis import strategies as st
from in_place.plan import Code, Identity, Plan, Step

#: Levels of nesting: three items each make it 81 tasks for the innermost step.
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Plain:
    """A step with one successor."""

    name: str


@dataclass(frozen=True, slots=True)
class Split:
    """Branches side by side; an empty one leads straight to the join."""

    name: str
    branches: tuple[Body, ...]

    @property
    def join(self) -> str:
        return f"{self.name}_join"


@dataclass(frozen=True, slots=True)
class Foreach:
    """A body once per item."""

    name: str
    body: Body

    @property
    def join(self) -> str:
        return f"{self.name}_join"


@dataclass(frozen=True, slots=True)
class Gang:
    """A @parallel step with its nodes."""

    name: str

    @property
    def node(self) -> str:
        return f"{self.name}_node"

    @property
    def join(self) -> str:
        return f"{self.name}_join"


@dataclass(frozen=True, slots=True)
class Switch:
    """One of several cases; an empty one skips to what follows. It may choose itself, too."""

    name: str
    cases: tuple[Body, ...]
    recursive: bool = False


Piece = Plain | Split | Foreach | Gang | Switch
Body = tuple[Piece, ...]


def compile_flow(body: Body, attempts: dict[str, int] | None = None) -> Plan:
    """The plan of a flow: the body, and an `end` step.

    Args:
        body: what the flow does.
        attempts: attempts of each step; one where nothing is said.
    """
    steps: dict[str, Step] = {}
    first = _lay(body, _add(steps, "end", "end"), steps)
    if attempts:
        steps = {name: _with_attempts(step, attempts.get(name, 1)) for name, step in steps.items()}
    identity = Identity("Deployment", "Flow", "ada", "token")
    return Plan(identity, first, "end", steps, code=Code("flow.py"))


def _with_attempts(step: Step, attempts: int) -> Step:
    return Step(
        step.name, step.type, step.out, step.join, step.parallel_foreach, attempts, retry_delay=60.0
    )


def _lay(body: Body, following: str, steps: dict[str, Step]) -> str:
    """Add the steps of a body that leads to `following`; answer the first of them."""
    for piece in reversed(body):
        following = _lay_piece(piece, following, steps)
    return following


def _lay_piece(piece: Piece, following: str, steps: dict[str, Step]) -> str:
    match piece:
        case Plain(name):
            return _add(steps, name, "linear", following)
        case Split(name, branches):
            join = _add(steps, piece.join, "join", following)
            firsts = [_lay(branch, join, steps) for branch in branches]
            return _add(steps, name, "split", *firsts, join=join)
        case Foreach(name, inner):
            join = _add(steps, piece.join, "join", following)
            return _add(steps, name, "foreach", _lay(inner, join, steps), join=join)
        case Gang(name):
            join = _add(steps, piece.join, "join", following)
            node = _add(steps, piece.node, "linear", join)
            steps[name] = Step(name, "foreach", (node,), join, parallel_foreach=True)
            return name
        case Switch(name, cases, recursive):
            firsts = [_lay(case, following, steps) for case in cases]
            loop = [name] if recursive else []
            return _add(steps, name, "split-switch", *loop, *firsts)


def _add(steps: dict[str, Step], name: str, kind: str, *out: str, join: str = "") -> str:
    steps[name] = Step(name, kind, out, join)
    return name


def bodies() -> st.SearchStrategy[Body]:
    """Random flows that Metaflow's own checks would let through.

    Dice inside hypothesis: a failing flow shrinks to fewer pieces, and thousands of flows cost
    seconds.
    """
    return st.builds(_random_flow, st.integers(1, 14), st.integers(0, 2**32))


def _random_flow(pieces: int, seed: int) -> Body:
    return _named(_body(random.Random(seed), pieces, 0), {})


def _body(dice: random.Random, pieces: int, depth: int) -> Body:
    """At least one piece, and as many as asked for, those inside of others included."""
    body: list[Piece] = []
    while pieces > 0 or not body:
        share = dice.randint(1, max(1, pieces))
        body.append(_piece(dice, share - 1, depth))
        pieces -= share
    return tuple(body)


def _piece(dice: random.Random, inside: int, depth: int) -> Piece:
    if not inside or depth == _DEEPEST:
        return Gang("") if dice.random() < 0.15 else Plain("")
    arms = _arms(dice, inside, depth + 1)
    match dice.choice(("split", "foreach", "foreach", "switch", "loop")):
        case "split":
            branches = tuple(_closed(arm) for arm in arms)
            return Split("", _skipping(dice, branches))
        case "foreach":
            return Foreach("", _closed(_body(dice, inside, depth + 1)))
        case "switch":
            return Switch("", _skipping(dice, arms))
        case _:
            return Switch("", dice.choice((((),), arms, (*arms, ()))), recursive=True)


def _arms(dice: random.Random, pieces: int, depth: int) -> tuple[Body, ...]:
    return tuple(_body(dice, pieces // 2, depth) for _ in range(dice.choice((1, 2, 2, 3))))


def _skipping(dice: random.Random, arms: tuple[Body, ...]) -> tuple[Body, ...]:
    """At least two arms, of which one may be empty, at any position."""
    if len(arms) > 1 and dice.random() < 0.6:
        return arms
    position = dice.randint(0, len(arms))
    return (*arms[:position], (), *arms[position:])


def _closed(body: Body) -> Body:
    """A body that may lead to a join: Metaflow refuses a switch directly before one."""
    return (*body, Plain("")) if isinstance(body[-1], Switch) else body


def _named(body: Body, taken: dict[str, int]) -> Body:
    """The same flow with a name for every step that says what it is."""
    return tuple(_named_piece(piece, taken) for piece in body)


def _named_piece(piece: Piece, taken: dict[str, int]) -> Piece:
    kind = type(piece).__name__.lower()
    taken[kind] = taken.get(kind, -1) + 1
    name = f"{kind}{taken[kind]}"
    match piece:
        case Plain():
            return Plain(name)
        case Gang():
            return Gang(name)
        case Split(_, branches):
            return Split(name, tuple(_named(branch, taken) for branch in branches))
        case Foreach(_, inner):
            return Foreach(name, _named(inner, taken))
        case Switch(_, cases, recursive):
            return Switch(name, tuple(_named(case, taken) for case in cases), recursive)
