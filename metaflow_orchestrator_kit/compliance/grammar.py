"""Numbers in sentences."""

from __future__ import annotations


def several(number: int, one: str, more: str) -> str:
    """The number, and the words that fit it: ``1 case runs``, ``0 cases run``."""
    return f"{number} {one if number == 1 else more}"


def unselected(number: int, kind: str = "") -> str:
    """That so many cases, of that kind, were left out of a run on purpose."""
    kind = f"{kind} " if kind else ""
    left_out = several(number, f"{kind}case was", f"{kind}cases were")
    return f"Partial: {left_out} not selected, so this proves little."
