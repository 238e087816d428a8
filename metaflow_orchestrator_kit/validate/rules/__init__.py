"""The rules of the validator, one file each, discovered by importing this package's modules."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from functools import cache

from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule

__all__ = ["Example", "Judge", "Rule", "all_rules"]


@cache
def all_rules() -> Sequence[type[Rule]]:
    """Every rule, in the order of its code."""
    for folder in __path__:
        # Not `pkgutil`, which imports `inspect`, and no path objects: there are hundreds of files.
        for file in sorted(os.listdir(folder)):  # noqa: PTH208
            name, _, ending = file.rpartition(".")
            if ending in ("py", "pyc") and name.isidentifier() and name != "__init__":
                importlib.import_module(f"{__name__}.{name}")
    found = [r for r in _subclasses(Rule) if r.__module__.startswith(f"{__name__}.")]
    return tuple(sorted(found, key=lambda rule: rule.code))


def _subclasses(cls: type[Rule]) -> list[type[Rule]]:
    return [s for direct in cls.__subclasses__() for s in (direct, *_subclasses(direct))]
