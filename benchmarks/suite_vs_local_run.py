"""Compares the compliance suite with running the same flows one after another.

    python benchmarks/suite_vs_local_run.py --scheduler-type my_scheduler [--all]

The flow of every scenario of the required capabilities is run once with ``python flow.py run``,
in turn, and by ``metaflow-orchestrator-test``, on this machine. Prints both times and their ratio,
which should be at most 1.5, and at most 1.0 with ``--all``. Some scenarios run their flow several
times, or another flow as well; the other side is not charged for that. Other work on the machine
falsifies the figures: the load is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit import REQUIRED, Cap
from metaflow_orchestrator_kit.compliance.cases import all_cases
from metaflow_orchestrator_kit.compliance.lab.environment import lab_environment
from metaflow_orchestrator_kit.compliance.lab.flows import copy_flow, fill_in
from metaflow_orchestrator_kit.compliance.model import LEDGER, RELEASE, Scenario

TARGET = 1.5
TARGET_OF_ALL = 1.0

UNENDING = ("terminate_while_running",)
"""Actions with a flow that waits until it is ended from outside."""


def scenarios(capabilities: frozenset[Cap]) -> list[Scenario]:
    """What the suite runs for those capabilities and ``run`` can, each once."""
    wanted = {
        case.scenario.id: case.scenario
        for case in all_cases()
        if {case.cap, *case.scenario.caps} <= capabilities and case.need is None
    }
    return [scenario for scenario in wanted.values() if scenario.script not in UNENDING]


def command(scenario: Scenario, flow: Path, word: str) -> list[str]:
    """``python flow.py … run …`` for what the scenario hands to Deployer and trigger."""
    top: list[str] = ["--no-pylint", "--quiet"]
    for key, value in fill_in(scenario.top, word=word, folder=flow.parent).items():
        if key in ("env", "cwd", "profile"):  # Deployer's own, no options of the command line.
            continue
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if key == "decospecs":
                top += ["--with", item]
            elif isinstance(item, (list, tuple)):
                top += [f"--{key.replace('_', '-')}", str(item[0]), text(item[1])]
            elif item is True:
                top += [f"--{key.replace('_', '-')}"]
            else:
                top += [f"--{key.replace('_', '-')}", text(item)]
    run: list[str] = []
    # Python says my_word where the command line says --my-word.
    names = {
        name.replace("-", "_").lower(): name
        for name in re.findall(r"""(?:Parameter|IncludeFile)\(\s*["']([^"']+)""", flow.read_text())
    }
    for key, value in fill_in(scenario.trigger, word=word, folder=flow.parent).items():
        if value is not None:
            run += [f"--{names.get(key, key)}", text(value)]
    return [sys.executable, str(flow), *top, "run", *run]


def text(value: Any) -> str:
    """A value as the command line wants it."""
    return value if isinstance(value, str) else json.dumps(value)


def run_locally(chosen: list[Scenario], folder: Path) -> float:
    """Seconds to run them one after another; a flow that is meant to fail may."""
    environment = lab_environment(os.environ, folder / "datastore").variables
    # Metaflow starts the other nodes of a @parallel step with the first `python` on the path.
    path = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    environment = {**environment, "PATH": path}
    total = 0.0
    for number, scenario in enumerate(chosen):
        here = folder / scenario.id
        flow = copy_flow(scenario.flow, here / "flow", f"x{number}")
        ledger = here / "ledger"
        ledger.mkdir()
        (ledger / RELEASE).touch()
        start = time.monotonic()
        finished = subprocess.run(
            command(scenario, flow, f"x{number}"),
            cwd=here,
            env={**environment, **scenario.top.get("env", {}), LEDGER: str(ledger)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - start
        total += seconds
        print(f"  {scenario.id:<24} {seconds:6.1f} s  exit code {finished.returncode}", flush=True)
        if "Usage:" in finished.stderr:
            raise SystemExit(f"{scenario.id}: {finished.stderr}")
    return total


def run_suite(scheduler_type: str, capabilities: frozenset[Cap], folder: Path) -> float:
    """Seconds of the suite, from the command's start to its end."""
    start = time.monotonic()
    names = ",".join(sorted(cap.name for cap in capabilities))
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "metaflow_orchestrator_kit.test"),
            *("--scheduler-type", scheduler_type, "--capabilities", names),
            *("--report-dir", str(folder / "report")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - start
    print("\n".join(finished.stdout.splitlines()[-4:]))
    if finished.returncode not in (0, 1):
        raise SystemExit(finished.stdout + finished.stderr)
    return seconds


def main() -> None:
    """Run both and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scheduler-type", required=True)
    parser.add_argument("--all", action="store_true", help="every capability that has cases")
    arguments = parser.parse_args()
    capabilities = frozenset(Cap) if arguments.all else frozenset(REQUIRED)
    with tempfile.TemporaryDirectory(prefix="mok-benchmark-") as name:
        folder = Path(name)
        chosen = scenarios(capabilities)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {len(chosen)} flows")
        local = run_locally(chosen, folder / "local")
        print(f"load {os.getloadavg()[0]:.1f}")
        suite = run_suite(arguments.scheduler_type, capabilities, folder)
    print(f"one after another  {local:6.1f} s")
    print(f"compliance suite   {suite:6.1f} s")
    ratio = suite / local
    target = TARGET_OF_ALL if arguments.all else TARGET
    verdict = "at most" if ratio <= target else "more than"
    print(f"ratio              {ratio:6.2f}    ({verdict} the target of {target})")


if __name__ == "__main__":
    main()
