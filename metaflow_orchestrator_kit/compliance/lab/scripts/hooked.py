"""Runs whose exit hooks have to be waited for, because they come after the end."""

from __future__ import annotations

import contextlib

from metaflow_orchestrator_kit.compliance.lab.actions import action, run_to_end
from metaflow_orchestrator_kit.compliance.lab.live import GaveUp, Live

HOOKS = 4
"""How many hooks the flow has for each outcome."""


@action
def run_and_await_hooks(live: Live) -> None:
    """Run to the end, then give the exit hooks time; the status may say something else then."""
    run_to_end(live)
    with contextlib.suppress(GaveUp):
        live.wait_until(
            f"{HOOKS} exit hooks",
            lambda: sum("hook" in entry for entry in live.ledger()) >= HOOKS,
            seconds=60,
        )
    live.extra["status_after_hooks"] = live.status()
