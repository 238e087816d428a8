"""Cases that other packages bring, by the entry points of one group.

They come in addition. Nothing that they do can replace a case of the kit or take one out: what an
author cannot pass belongs into the list of known failures, where it can be seen.
"""

from __future__ import annotations

import importlib.metadata

from metaflow_orchestrator_kit.compliance.case import REGISTRY, Case
from metaflow_orchestrator_kit.compliance.cases import all_cases

ENTRY_POINTS = "metaflow_orchestrator_kit.cases"
"""Each entry point names a module whose functions are registered by ``@case``."""


def every_case() -> tuple[Case, ...]:
    """The cases of the kit, then those of other packages.

    Raises:
        ValueError: a package cannot be loaded, touches a case of the kit, or names one of its
            cases or scenarios otherwise than ``<entry point>-…``.
    """
    ours = all_cases()
    found = list(ours)
    for point in sorted(
        importlib.metadata.entry_points(group=ENTRY_POINTS), key=lambda one: one.name
    ):
        where = f"The entry point '{point.name}' of {ENTRY_POINTS} ({point.value})"
        try:
            point.load()
        except Exception as error:  # a module of somebody else may raise anything
            raise ValueError(f"{where} cannot be loaded: {error}") from error
        found += _of(point, where)
        _check_untouched(ours, where)
    return tuple(found)


def _of(point: importlib.metadata.EntryPoint, where: str) -> list[Case]:
    own = [
        one
        for one in REGISTRY.values()
        if one.module == point.module or one.module.startswith(f"{point.module}.")
    ]
    if not own:
        raise ValueError(f"{where} declares no case: it needs functions with @case.")
    for one in own:
        for what, name in (("case", one.id), ("scenario", one.scenario.id)):
            # A later release of the kit may have a case of any other name.
            if not name.startswith(f"{point.name}-"):
                raise ValueError(
                    f"{where} has the {what} '{name}': its name must begin with '{point.name}-'."
                )
        if not one.scenario.folder:
            raise ValueError(f"{where}: the scenario '{one.scenario.id}' needs folder=, its flows.")
    return own


def _check_untouched(ours: tuple[Case, ...], where: str) -> None:
    for one in ours:
        if REGISTRY.get(one.id) is not one:
            raise ValueError(
                f"{where} replaces or removes the case '{one.id}' of the kit. What cannot pass is "
                "listed with --known-failures."
            )
