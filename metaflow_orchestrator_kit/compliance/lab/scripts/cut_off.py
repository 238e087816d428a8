"""Calls while the scheduler is down, as far as the extension says how that looks."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from metaflow_orchestrator_kit.compliance.extension import split_deploy_args
from metaflow_orchestrator_kit.compliance.lab.actions import action, outcome_elsewhere
from metaflow_orchestrator_kit.compliance.lab.live import Live


@action
def call_while_cut_off(live: Live) -> None:
    """Create, and trigger what was deployed before, while the scheduler cannot be reached."""
    live.phase = "trigger"
    live.extra["settings"] = live.settings.unreachable
    live.extra["create"] = _cut_off(live, live.create_again)
    live.extra["trigger"] = _cut_off(live, lambda: live.deployed.trigger().pathspec)


def _cut_off(live: Live, call: Callable[[], Any]) -> dict[str, Any]:
    """The outcome of a call in a process that cannot reach the scheduler."""
    settings = live.settings.unreachable
    variables = {name: value for name, value in settings.items() if name.isupper()}
    arguments = {name: value for name, value in settings.items() if not name.isupper()}

    def attempt() -> Any:
        of_deployer, of_create = split_deploy_args(live.settings.scheduler_type, arguments)
        live.deployer_arguments.update(of_deployer)
        live.create_arguments.update(of_create)
        os.environ.update(variables)
        live.deployed.deployer.env_vars.update(variables)
        live.deployed.deployer.deployer_kwargs.update(of_deployer)
        return call()

    return outcome_elsewhere(attempt)
