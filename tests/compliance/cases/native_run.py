"""Runs a compliance flow with Metaflow's own runtime and writes down what was seen of it.

python native_run.py FLOW FOLDER [options before `run` …] -- [parameters of `run` …]
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from metaflow_orchestrator_kit.compliance.lab.reading import read_run
from metaflow_orchestrator_kit.compliance.model import RELEASE, Deployment, Observation
from metaflow_orchestrator_kit.paths import compliance_flows


def main(flow: str, folder: Path, options: list[str], parameters: list[str]) -> None:
    """Run the flow to its end, whatever it is."""
    ledger = folder / "ledger"
    ledger.mkdir()
    (ledger / RELEASE).touch()
    file = compliance_flows() / f"{flow}.py"
    done = subprocess.run(
        [sys.executable, str(file), *options, "run", *parameters],
        cwd=folder,
        env={**os.environ, "MOK_LEDGER": str(ledger)},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    started = re.search(r"\(run-id (\S+?)\)", done.stdout + done.stderr)
    assert started, done.stdout + done.stderr
    name = re.findall(r"class (\w+)\(FlowSpec\)", file.read_text("utf-8"))[0]
    pathspec = f"{name}/{started[1]}"
    run, tasks = read_run(pathspec)
    records = [
        json.loads(line)
        for entry in ledger.glob("*.jsonl")
        for line in entry.read_text("utf-8").splitlines()
    ]
    seen = Observation(
        scenario=flow,
        deployment=Deployment(name, name, "local@"),
        seconds={"trigger": 0.0},
        pathspec=pathspec,
        run_visible_after=1.0,
        terminal_after=2.0,
        final_status="SUCCEEDED" if done.returncode == 0 else "FAILED",
        run=run,
        tasks=tasks,
        ledger=sorted(records, key=lambda record: record["time"]),
    )
    (folder / "observation.json").write_text(json.dumps(seen.to_json()), encoding="utf-8")


if __name__ == "__main__":
    split = sys.argv.index("--", 3)
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:split], sys.argv[split + 1 :])
