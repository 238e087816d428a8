"""The rules of the validator, one file each, discovered by importing this package's modules."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence

from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule

__all__ = ["Example", "Judge", "Rule", "all_rules"]


def all_rules() -> Sequence[type[Rule]]:
    """Every rule, in the order of its code."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    found = [r for r in _subclasses(Rule) if r.__module__.startswith(f"{__name__}.")]
    return sorted(found, key=lambda rule: rule.code)


def _subclasses(cls: type[Rule]) -> list[type[Rule]]:
    return [s for direct in cls.__subclasses__() for s in (direct, *_subclasses(direct))]
