"""The rules of the validator, one file each, discovered by importing this package's modules."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule

__all__ = ["Example", "Judge", "Rule", "all_rules"]


def all_rules() -> Sequence[type[Rule]]:
    """Every rule, in the order of its code."""
    for folder in __path__:
        # Not `pkgutil`, which imports `inspect`.
        for file in sorted(Path(folder).iterdir()):
            name = file.stem
            if file.suffix in (".py", ".pyc") and name.isidentifier() and name != "__init__":
                importlib.import_module(f"{__name__}.{name}")
    found = [r for r in _subclasses(Rule) if r.__module__.startswith(f"{__name__}.")]
    return sorted(found, key=lambda rule: rule.code)


def _subclasses(cls: type[Rule]) -> list[type[Rule]]:
    return [s for direct in cls.__subclasses__() for s in (direct, *_subclasses(direct))]
