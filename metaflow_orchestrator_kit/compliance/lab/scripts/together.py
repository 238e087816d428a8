"""Several deployments of one process, and several runs at a time."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.compliance.lab.actions import action, outcome
from metaflow_orchestrator_kit.compliance.lab.flows import copy_flow, scenario_token
from metaflow_orchestrator_kit.compliance.lab.live import Live, in_another_process
from metaflow_orchestrator_kit.compliance.words import has_ended

_LONG = "with_a_long_name_" * 7
"""More than most schedulers take."""

OFTEN = 50
_CALLERS = 10


@action
def deploy_another(live: Live) -> None:
    """Deploy further flows from the same process, and run them and the first one all at once.

    Two of them have long names that differ in the last character; one of these is run.
    """
    from metaflow import Deployer

    word = scenario_token(live.settings.token, "together")
    variables, folder = dict(os.environ), Path.cwd()

    def deploy(name: str) -> Any:
        # Metaflow keeps a flow by its file, so each has a folder of its own.
        file = copy_flow("renamed", live.folder / "others" / name, name)
        deployer = Deployer(str(file), file_read_timeout=live.seconds_left(), **live.top)
        implementation = getattr(deployer, live.method)(**live.deployer_arguments)
        return implementation.create(**live.create_arguments)

    other, first = deploy(word), deploy(f"{word}{_LONG}a")
    live.extra["other"] = _told(other)
    live.extra["twins"] = [
        {"result": _told(first)},
        outcome(lambda: _told(deploy(f"{word}{_LONG}b"))),
    ]
    long_run: list[Any] = []
    live.extra["long_run"] = outcome(lambda: long_run.append(first.trigger()))
    runs = [other.trigger(), live.deployed.trigger(), *long_run]
    live.trigger()
    live.extra["changed"] = {
        "variables": sorted({name for name, _ in variables.items() ^ os.environ.items()}),
        "working directory": [] if Path.cwd() == folder else [str(folder), str(Path.cwd())],
    }
    live.release()
    live.wait_for_end()
    for run in runs:
        live.wait_until(f"the end of {run.pathspec}", partial(has_ended, run))
    live.extra["runs"] = [outcome(partial(_seen, run)) for run in runs]


@action
def trigger_often(live: Live) -> None:
    """Trigger the flow fifty times, some at the same instant, and wait for the end of all runs.

    Each call is a process of its own: Metaflow's deployer is not made for threads.
    """
    live.trigger()

    def trigger(_: int) -> str:
        return str(in_another_process(lambda: live.deployed.trigger().pathspec))

    with ThreadPoolExecutor(_CALLERS) as callers:
        runs = list(callers.map(trigger, range(OFTEN - 1)))
    live.wait_for_end()
    for run in runs:
        live.wait_until(f"the end of {run}", partial(_is_finished, run))
    live.extra["runs"] = [str(live.triggered.pathspec), *runs]


def _is_finished(pathspec: str) -> bool:
    """Whether a run has succeeded, which is all that the client can tell of its end."""
    from metaflow import Run, namespace
    from metaflow.exception import MetaflowNotFound

    namespace(None)
    try:
        return bool(Run(pathspec, _namespace_check=False).finished)
    except MetaflowNotFound:
        return False


def _told(deployed: Any) -> dict[str, str]:
    return {"name": deployed.name, "flow_name": deployed.flow_name}


def _seen(run: Any) -> dict[str, Any]:
    found = run.run
    return {
        "pathspec": run.pathspec,
        "successful": bool(found.successful),
        "tasks": sorted(f"{step.id} {len(list(step))}" for step in found),
    }
