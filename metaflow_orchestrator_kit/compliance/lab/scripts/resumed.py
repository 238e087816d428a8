"""A failed run, a mended flow, and a run that does what is left: on the scheduler, or locally."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any

from metaflow_orchestrator_kit.compliance.lab.actions import action, outcome, run_to_end
from metaflow_orchestrator_kit.compliance.lab.live import Live, in_another_process
from metaflow_orchestrator_kit.compliance.lab.reading import read_run
from metaflow_orchestrator_kit.compliance.words import has_ended

_MENDING = (("MENDED = False", "MENDED = True"), ('default="plain"', 'default="changed"'))


@dataclass(frozen=True, slots=True)
class LocalRun:
    """A run of Metaflow's own runtime, in the place of a triggered one."""

    pathspec: str


@action
def resume_on_scheduler(live: Live) -> None:
    """Let the run fail, deploy the flow mended and with another default, resume the run twice."""
    from metaflow import DeployedFlow

    origin = _fail(live)
    name = in_another_process(live.create_again)
    deployed = getattr(DeployedFlow, f"from_{live.method}")(name)
    live.extra["unknown_step"] = outcome(
        lambda: deployed.resume(origin_run_id=origin, step_to_rerun="no_such_step").pathspec
    )

    def resume() -> str:
        live.follow(deployed.resume(origin_run_id=origin))
        return str(live.triggered.pathspec)

    live.extra["resumed"] = outcome(resume)
    if "result" in live.extra["resumed"]:
        twin = outcome(lambda: deployed.resume(origin_run_id=origin))
        live.wait_for_end()
        _note_parameters(live)
        live.extra["resumed_again"] = (
            outcome(lambda: _twin(live, twin)) if "result" in twin else twin
        )


@action
def resume_locally(live: Live) -> None:
    """Let the run fail on the scheduler, and resume it with ``python flow.py resume``."""
    origin = _fail(live)
    file = live.folder / "local-run-id"
    command = [sys.executable, str(live.flow_file), "--no-pylint", "resume"]
    command += ["--origin-run-id", origin, "--run-id-file", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    said = {"code": done.returncode, "stderr": (done.stdout + done.stderr)[-4000:]}
    live.extra["resumed"] = {"error": "exit code", **said}
    if done.returncode == 0 and file.exists():
        pathspec = f"{live.triggered.pathspec.split('/')[0]}/{file.read_text().strip()}"
        live.extra["resumed"] = {"result": pathspec}
        live.follow(LocalRun(pathspec))
        live.terminal_after, live.final_status = 0.0, None
        _note_parameters(live)


def _fail(live: Live) -> str:
    """Run to the planned failure, note what there is to clone, mend the flow; the run's id."""
    run_to_end(live)
    live.phase = "read"
    _, tasks = read_run(live.triggered.pathspec)
    live.phase = "wait"
    live.extra["origin"] = {
        "pathspec": live.triggered.pathspec,
        "status": live.final_status,
        "succeeded": {f"{task.step} {task.index}": task.id for task in tasks if task.successful},
    }
    live.edit(*_MENDING)
    return str(live.triggered.pathspec.split("/")[-1])


def _twin(live: Live, outcome_of_resume: dict[str, Any]) -> dict[str, Any]:
    """How the other run that was resumed ended, and which tasks ran their code in it."""
    run = outcome_of_resume["result"]
    live.wait_until(f"the end of {run.pathspec}", partial(has_ended, run))
    found, tasks = read_run(run.pathspec)
    own = [task for task in tasks if task.artifacts.get("seen", {}).get("run_id") == found.id]
    return {
        "pathspec": run.pathspec,
        "successful": found.successful,
        "ran": sorted(f"{task.step} {task.index}" for task in own),
    }


def _note_parameters(live: Live) -> None:
    """What the resumed run itself has under ``_parameters``: a cloned step need not look there."""
    from metaflow import Run, namespace

    namespace(None)
    run = Run(live.triggered.pathspec, _namespace_check=False)
    live.extra["parameters"] = outcome(lambda: run["_parameters"].task["word"].data)
