"""A flow is run by the scheduler and by Metaflow's own runtime, at the same time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import asdict

from metaflow_orchestrator_kit.compliance.lab.actions import action, run_to_end
from metaflow_orchestrator_kit.compliance.lab.live import Live
from metaflow_orchestrator_kit.compliance.lab.processes import end_group
from metaflow_orchestrator_kit.compliance.lab.reading import read_run

_CLASS = re.compile(r"^class (\w+)\(FlowSpec\):", re.MULTILINE)

_LAST = 4000


@action
def run_natively_too(live: Live) -> None:
    """Run to the end; ``extra["native"]`` has what ``python flow.py run`` made of the same flow.

    Its keys: ``code``, ``output``, ``run`` and ``tasks``; the last two are missing when it never
    got as far as a run.
    """
    folder = live.folder / "native"
    folder.mkdir()
    options = [f"--tag={tag}" for tag in live.create_arguments.get("tags", ())]
    options += [f"--{name}={value}" for name, value in live.trigger_arguments.items()]
    with (folder / "output.log").open("wb") as output:
        native = subprocess.Popen(
            [
                *(sys.executable, str(live.flow_file), "--no-pylint", "run"),
                *("--run-id-file", str(folder / "run_id"), *options),
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        run_to_end(live)
        live.phase = "lab"  # what goes wrong from here on says nothing about the scheduler
        left = live.deadline - time.monotonic()
        live.wait_until("the end of 'python flow.py run'", lambda: native.poll() is not None, left)
    finally:
        if native.poll() is None:
            end_group(native.pid)
            native.wait()
    text = (folder / "output.log").read_text("utf-8", errors="replace")
    found = {"code": native.returncode, "output": text[-_LAST:]}
    (name,) = _CLASS.findall(live.flow_file.read_text("utf-8"))
    if (folder / "run_id").exists():
        run, tasks = read_run(f"{name}/{(folder / 'run_id').read_text().strip()}")
        found |= {"run": asdict(run), "tasks": [asdict(task) for task in tasks]}
    live.extra["native"] = found
