"""What a step sees of itself, as one JSON-serialisable record; imported by every flow here.

It stands beside the flows on purpose: a scheduler that ships the flow file alone fails at this
import, and says so. Metaflow keeps the artifacts of failed attempts too, so a record made in the
first line of a step tells afterwards which attempt of which task really ran the user's code.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import socket
import sys
import time
from pathlib import Path
from typing import Any

from metaflow import Parameter, current

SECRET = re.compile(r"pass|secret|token|key|credential", re.IGNORECASE)


def ledger_folder(context: Any) -> str:
    """Evaluated while deploying: where attempts leave a record; empty where nobody asks."""
    return os.environ.get("MOK_LEDGER", "")


def ledger_parameter() -> Any:
    """The parameter ``ledger``, for flows in which attempts die and take their artifacts along."""
    return Parameter("ledger", type=str, default=ledger_folder, help="Folder for records.")


def witness(flow: Any, event: str = "ran") -> dict[str, Any]:
    """Step, ids, attempt, project identity, host and time as the running step sees them.

    The same is written to the flow's ledger, if it has one that this host can reach.
    """
    seen = {
        "event": event,
        "step": current.step_name,
        "run_id": current.run_id,
        "task_id": current.task_id,
        "attempt": current.retry_count,
        "user": current.username,
        "namespace": current.namespace,
        "project": current.get("project_name"),
        "branch": current.get("branch_name"),
        "production": current.get("is_production"),
        "project_flow": current.get("project_flow_name"),
        "argv": [sys.executable, *sys.argv],
        "environment": metaflow_variables(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "cwd": str(Path.cwd()),
        "time": time.time(),
    }
    folder = _ledger(flow)
    if folder.is_dir():
        name = f"{seen['step']}-{seen['task_id']}-{seen['attempt']}-{seen['pid']}.jsonl"
        with (folder / name).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(seen) + "\n")
    return seen


def metaflow_variables() -> dict[str, str]:
    """Metaflow's variables in the environment of this attempt; no secret leaves it."""
    return {
        name: "***" if SECRET.search(name) else value
        for name, value in sorted(os.environ.items())
        if name.startswith("METAFLOW")
    }


def wait_for_release(flow: Any, seconds: float) -> bool:
    """Wait until the observer releases the flow, at most that long; whether it did."""
    return wait_for_record(flow, "release", seconds)


def wait_for_record(flow: Any, pattern: str, seconds: float) -> bool:
    """Wait until the flow's ledger has a file of such a name, at most that long; whether it has.

    A scheduler whose tasks run elsewhere never sees the file: the step then takes the whole
    time, and the case that asked for it still gets its answer from the clock.
    """
    folder = _ledger(flow)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if any(folder.glob(pattern)):
            return True
        time.sleep(0.05)
    return False


def _ledger(flow: Any) -> Path:
    """The folder for records; where nobody asks for them, one that does not exist."""
    return Path(getattr(flow, "ledger", None) or "/nowhere")


def installed(package: str) -> str:
    """The version of a package that the interpreter of this very step has, and ``none`` without."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def client_sees() -> dict[str, Any]:
    """What Metaflow's client, used inside this very task, finds of this run and this task."""
    from metaflow import Run, Task, namespace

    namespace(None)
    run = f"{current.flow_name}/{current.run_id}"
    try:
        return {
            "task": Task(f"{run}/{current.step_name}/{current.task_id}").pathspec,
            "steps": sorted(found.id for found in Run(run)),
            "finished": Run(run).finished,
            "error": None,
        }
    except Exception as problem:  # what a broken environment does to the client is the finding
        return {"error": f"{type(problem).__name__}: {problem}"}
