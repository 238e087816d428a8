"""The code package of a deployment, laid out on the machines that run its tasks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from live_engine import Live
from scaffolded import PATIENCE


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_processes_that_lay_a_package_out_at_once_all_get_it_whole(
    live: Live, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(live.engine.deployment(live.deploy("solo")).to_json())
    program = Path(__file__).with_name("laying_out.py")

    done = subprocess.run(
        [sys.executable, str(program), str(plan), str(tmp_path / "code")],
        env=live.bench.environment,
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 processes, 4 rounds" in done.stdout
