"""Every special action, by name; one module for each kind of story that a scenario tells."""

from __future__ import annotations

from metaflow_orchestrator_kit.compliance.lab.actions import ACTIONS
from metaflow_orchestrator_kit.compliance.lab.scripts import (
    compared,
    cut_off,
    hooked,
    locked,
    owned,
    packaged,
    redeployed,
    resumed,
    started,
    together,
)

__all__ = [
    "ACTIONS",
    "compared",
    "cut_off",
    "hooked",
    "locked",
    "owned",
    "packaged",
    "redeployed",
    "resumed",
    "started",
    "together",
]
