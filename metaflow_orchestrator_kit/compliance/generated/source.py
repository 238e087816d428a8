"""Writes a shape as a flow file that a person can read and run."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from metaflow_orchestrator_kit.compliance.generated.shape import (
    Block,
    Body,
    End,
    Foreach,
    Loop,
    Shape,
    Split,
    Step,
    Switch,
    Tries,
    breaks,
)

_HEAD = '''\
"""A flow of random shape{fate}.

python {stem}.py run{options}
"""

from metaflow import {imports}


class {name}(FlowSpec):
    """Every step adds itself to the trail that led to it."""

'''


def source(shape: Shape, stem: str) -> str:
    """The text of the flow file; the class is named after the file."""
    steps = "\n".join(_Writer(shape).lines())
    given = [one for one in shape.parameters if one.given is not None]
    name = "".join(part.capitalize() for part in stem.split("_"))
    head = _HEAD.format(
        fate=", whose run has to fail" if breaks(shape) else "",
        stem=stem,
        options="".join(f" --{one.name} {_literal(one.value)}" for one in given),
        imports=", ".join(
            word
            for word in ("FlowSpec", "Parameter", "catch", "current", "retry", "step")
            if word == "FlowSpec" or re.search(rf"\b{word}[.(]|@{word}\b", steps)
        ),
        name=name,
    )
    return f'{head}{steps}\n\nif __name__ == "__main__":\n    {name}()\n'


class _Writer:
    """Writes the steps of one flow."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.word = any(one.name == "word" for one in shape.parameters)
        self.number = 0

    def lines(self) -> list[str]:
        """The body of the class."""
        found = [
            f'    {one.name} = Parameter("{one.name}", default={_literal(one.default)})'
            for one in self.shape.parameters
        ]
        found += [""] if found else []
        body = self.shape.body
        bare = self.shape.bare and bool(body) and not isinstance(body[0], Loop)
        entry, steps = self._body(body, "end", first="start" if bare else None)
        if not bare:
            found += self._step("start", [f"self.next(self.{entry})"])
        return [*found, *steps, *self._step("end", [])]

    def _body(
        self, body: Body, after: str, *, first: str | None = None, item: bool = False
    ) -> tuple[str, list[str]]:
        """The name of the first step of a body that leads to ``after``, and its lines."""
        numbers = [self._next_number() for _ in body]
        names = [_opening(block, number) for block, number in zip(body, numbers, strict=True)]
        if first is not None:
            names[0] = first
        lines: list[str] = []
        for place, block in enumerate(body):
            following = names[place + 1] if place + 1 < len(body) else after
            lines += self._block(
                block, names[place], numbers[place], following, item=item and place == 0
            )
        return (names[0] if names else after), lines

    def _next_number(self) -> int:
        self.number += 1
        return self.number

    def _block(self, block: Block, name: str, number: int, after: str, *, item: bool) -> list[str]:
        onwards = f"self.next(self.{after})"
        match block:
            case Step():
                body = [f"self.heard_{number} = self.word"] if self.word else []
                if block.end is not End.WORKS:
                    body.append('raise ValueError("as the flow wants it")')
                return self._step(
                    name,
                    [*body, onwards],
                    block.tries,
                    item=item,
                    caught=f"problem_{number}" if block.end is End.CAUGHT else "",
                )
            case Split():
                return self._split(block, name, number, onwards, item=item)
            case Foreach():
                join = f"join_{number}"
                entry, inner = self._body(block.body, join, item=True)
                width = "self.count" if block.width is None else block.width
                fan_out = [
                    f"self.items_{number} = list(range({width}))",
                    f'self.next(self.{entry}, foreach="items_{number}")',
                ]
                return [
                    *self._step(name, fan_out, block.opening, item=item),
                    *inner,
                    *self._step(join, [onwards], block.closing, join="foreach"),
                ]
            case Switch():
                return self._switch(block, name, number, onwards, item=item)
            case Loop():
                return [
                    *self._step(name, _turns(name, number, block.rounds), item=item),
                    *self._step(f"after_{number}", [onwards], block.closing),
                ]

    def _split(
        self, block: Split, name: str, number: int, onwards: str, *, item: bool
    ) -> list[str]:
        join = f"join_{number}"
        branches = [self._body(branch, join) for branch in block.branches]
        entries = ", ".join(f"self.{entry}" for entry, _ in branches)
        return [
            *self._step(name, [f"self.next({entries})"], block.opening, item=item),
            *(line for _, lines in branches for line in lines),
            *self._step(join, [onwards], block.closing, join="split", merged=block.merged),
        ]

    def _switch(
        self, block: Switch, name: str, number: int, onwards: str, *, item: bool
    ) -> list[str]:
        meet = f"meet_{number}"
        branches = [self._body(branch, meet) for branch in block.branches]
        ways = ", ".join(
            f'"way {place}": self.{entry}' for place, (entry, _) in enumerate(branches)
        )
        choice = [
            f'self.choice_{number} = "way {block.chosen}"',
            f'self.next({{{ways}}}, condition="choice_{number}")',
        ]
        return [
            *self._step(name, choice, block.opening, item=item),
            *(line for _, lines in branches for line in lines),
            *self._step(meet, [onwards], block.closing),
        ]

    def _step(
        self,
        name: str,
        body: Sequence[str],
        tries: Tries | None = None,
        *,
        join: str = "",
        merged: bool = False,
        item: bool = False,
        caught: str = "",
    ) -> list[str]:
        tries = tries or Tries()
        lines = []
        if caught:
            lines.append(f'@catch(var="{caught}", print_exception=False)')
        if tries.retries:
            lines.append(f"@retry(times={tries.retries}, minutes_between_retries=0)")
        lines += ["@step", f"def {name}(self{', inputs' if join else ''}):"]
        inner = ['self.merge_artifacts(inputs, exclude=["trail", "attempt"])'] if merged else []
        inner.append(_trail(name, join=join, item=item))
        if tries.retries or caught:
            inner.append("self.attempt = current.retry_count")
        if tries.fails:
            inner += [
                f"if current.retry_count < {tries.fails}:",
                '    raise ValueError("not yet")',
            ]
        whole = [*lines, *(f"    {line}" for line in [*inner, *body])]
        return [*(f"    {line}" for line in whole), ""]


def _literal(value: str | int | float) -> str:
    return json.dumps(value, ensure_ascii=False)


def _opening(block: Block, number: int) -> str:
    kind = {Step: "step", Split: "split", Foreach: "each", Switch: "switch", Loop: "loop"}
    return f"{kind[type(block)]}_{number}"


def _turns(name: str, number: int, rounds: int) -> list[str]:
    return [
        f'self.turn_{number} = getattr(self, "turn_{number}", 0) + 1',
        f'self.choice_{number} = "again" if self.turn_{number} < {rounds} else "done"',
        f'self.next({{"again": self.{name}, "done": self.after_{number}}}, '
        f'condition="choice_{number}")',
    ]


def _trail(name: str, *, join: str, item: bool) -> str:
    if join == "foreach":
        return f'self.trail = [*(one.trail for one in inputs), "{name}"]'
    if join:
        # Metaflow's own runtime gives them in the order in which the branches ended.
        return f'self.trail = [*sorted((one.trail for one in inputs), key=str), "{name}"]'
    if name == "start":
        return 'self.trail = ["start"]'
    own = f'f"{name} {{self.input}}"' if item else f'"{name}"'
    return f"self.trail = [*self.trail, {own}]"
