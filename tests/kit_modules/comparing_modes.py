"""The same flows with forked and with fresh steps, and everything that their tasks leave.

    python tests/kit_modules/comparing_modes.py [FLOW...]

Each flow of the compliance suite that needs nobody's help is deployed and run twice: with warm
processes, and with `create --no-warm`. Tasks, attempts and all artifacts have to be the same, what
the steps saw of their arguments and variables included.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from live_engine import Live, live_outside_pytest
from scaffolded import PATIENCE, TYPE

from metaflow_orchestrator_kit import paths

FLOWS = (
    *("branches", "catching", "fanout", "gang", "looping", "nested", "params", "renamed"),
    *("resourced", "retrying", "settings", "single", "switching", "timing"),
)

#: Prints every artifact of every attempt of a run. The id of the run, what differs between any two
#: processes, and the frames below the flow in the stack of a @timeout, stand aside.
DUMP = """
import json, re, sys
from metaflow import Flow, Task, namespace

def settled(value):
    if isinstance(value, dict):
        return {str(k): settled(v) for k, v in sorted(value.items()) if k not in ("pid", "time")}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(settled, value)]
    own = r'>    File "(<string>|[^"]*/warm\\.py)", line .*\\n(>      .*\\n)?'
    return re.sub(own, "", repr(value)).replace(run_id, "RUN")

namespace(None)
flow, run_id = sys.argv[1:]
found = {}
for step in Flow(flow)[run_id]:
    for task in step:
        for attempt in range(task.current_attempt + 1):
            seen = Task(task.pathspec, attempt=attempt)
            values = {artifact.id: settled(artifact.data) for artifact in seen}
            found[f"{step.id}/{task.id}/{attempt}"] = values
print(json.dumps(found, sort_keys=True))
"""


def outcome(live: Live, file: Path, *options: str) -> dict[str, dict[str, Any]]:
    """Deploy and run a flow; every artifact of every attempt of its run."""

    def ask(*words: str) -> None:
        done = live.bench.run(file, *words)
        assert done.returncode == 0, done.stdout + done.stderr

    answer = file.with_name("run-id")
    ask("--quiet", TYPE, "create", *options)
    ask("--quiet", TYPE, "trigger", "--run-id-file", str(answer))
    run_id = answer.read_text()
    live.runs.append(run_id)
    run = live.finished(run_id)
    assert run.status == "SUCCEEDED", f"{file.stem}: {run.status}: {run.reason}"
    assert live.engine.deployment(run.deployment).warm is not ("--no-warm" in options)
    dump = subprocess.run(
        [sys.executable, "-c", DUMP, run.flow_name, run_id],
        env=live.bench.environment,
        cwd=file.parent,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert dump.returncode == 0, dump.stderr
    found: dict[str, dict[str, Any]] = json.loads(dump.stdout)
    return found


def compare(live: Live, flow: str) -> tuple[int, int]:
    """Run a flow in both modes; how many attempts and artifacts there were, all alike.

    Raises:
        AssertionError: something differs; the message has the first of it.
    """
    folder = live.folder / f"flow-{flow}"
    shutil.copytree(paths.compliance_flows(), folder)
    file = folder / f"{flow}.py"
    forked, fresh = outcome(live, file), outcome(live, file, "--no-warm")
    assert forked.keys() == fresh.keys(), sorted(forked.keys() ^ fresh.keys())
    for attempt, values in forked.items():
        assert values.keys() == fresh[attempt].keys(), attempt
        for name, value in values.items():
            other = fresh[attempt][name]
            assert value == other, f"{flow}, {attempt}, {name}: {value} or {other}"
    return len(forked), sum(len(values) for values in forked.values())


def main() -> None:
    """Compare, and print what there was; the first difference ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("flows", nargs="*", default=FLOWS, metavar="FLOW")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="modes-") as folder:
        live = live_outside_pytest(Path(folder))
        try:
            for flow in options.flows:
                attempts, artifacts = compare(live, flow)
                print(f"{flow}: {attempts} attempts, {artifacts} artifacts, all alike", flush=True)
        finally:
            live.close()


if __name__ == "__main__":
    main()
