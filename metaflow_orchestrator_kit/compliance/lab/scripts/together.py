"""Several deployments of one process, and several runs at a time."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.compliance.lab.actions import action, outcome
from metaflow_orchestrator_kit.compliance.lab.flows import copy_flow, scenario_token
from metaflow_orchestrator_kit.compliance.lab.live import Live
from metaflow_orchestrator_kit.compliance.words import is_over


@action
def deploy_another(live: Live) -> None:
    """Deploy a second flow from the same process; run it, and the first one twice, all at once."""
    from metaflow import Deployer

    word = scenario_token(live.settings.token, "together")
    file = copy_flow("renamed", live.folder / "flow", word)
    variables, folder = dict(os.environ), Path.cwd()

    def deploy() -> Any:
        deployer = Deployer(str(file), file_read_timeout=live.seconds_left(), **live.top)
        implementation = getattr(deployer, live.method)(**live.deployer_arguments)
        return implementation.create(**live.create_arguments)

    other = deploy()
    live.extra["other"] = {"name": other.name, "flow_name": other.flow_name}
    runs = [other.trigger(), live.deployed.trigger()]
    live.trigger()
    live.extra["changed"] = {
        "variables": sorted({name for name, _ in variables.items() ^ os.environ.items()}),
        "working directory": [] if Path.cwd() == folder else [str(folder), str(Path.cwd())],
    }
    live.release()
    live.wait_for_end()
    for run in runs:
        live.wait_until(f"the end of {run.pathspec}", partial(_is_over, run), seconds=90)
    live.extra["runs"] = [outcome(partial(_seen, run)) for run in runs]


def _is_over(run: Any) -> bool:
    found = run.run
    return bool(found is not None and found.finished) or is_over(getattr(run, "status", None))


def _seen(run: Any) -> dict[str, Any]:
    found = run.run
    return {
        "pathspec": run.pathspec,
        "successful": bool(found.successful),
        "tasks": sorted(f"{step.id} {len(list(step))}" for step in found),
    }
