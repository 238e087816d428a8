"""The cases: one module per flow, one small function per promise."""

from __future__ import annotations

import importlib
import pkgutil

from metaflow_orchestrator_kit.compliance.case import REGISTRY, Case


def all_cases() -> tuple[Case, ...]:
    """Every case that the kit ships, by module and then in the order of declaration.

    Raises:
        ValueError: two cases have one id, or one lacks its promise or its clauses.
    """
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        importlib.import_module(f"{__name__}.{module}")
    ours = [found for found in REGISTRY.values() if found.module.startswith(f"{__name__}.")]
    return tuple(sorted(ours, key=lambda found: found.module))
