"""The embedded engine on hosts that share PostgreSQL and the datastore, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cluster
import pytest
from scaffolded import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(900)]

#: What starts a program in namespaces of its own, which end with it.
_APART = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")


@pytest.mark.parametrize("fault", ["off", "cut"])
def test_the_run_of_a_host_that_is_gone_goes_on_at_the_other_one(
    tmp_path: Path, fault: str
) -> None:
    if why := cluster.missing():
        pytest.skip(why)
    if shutil.which("ip") is None or subprocess.run([*_APART, "true"]).returncode != 0:
        pytest.skip("hosts need namespaces: run as root, with util-linux and iproute2")
    program = Path(__file__).with_name("hosts_apart.py")

    done = subprocess.run(
        [*_APART, sys.executable, str(program), str(tmp_path), fault],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{fault}: the run has moved" in done.stdout
