"""Runs of the embedded engine, and a machine on which everything goes wrong at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_engine import Live, fill, load_engine, wait_until
from scaffolded import PATIENCE, make_bench

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

#: What starts a program as the first one of a pid namespace of its own.
_APART = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


@pytest.fixture
def cramped(tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """An engine whose state is on a small disk; Metaflow's datastore is elsewhere."""
    bench = make_bench(tmp_path / "cramped")
    bench.home.symlink_to(small_disk, target_is_directory=True)
    live = Live(bench, load_engine(bench), tmp_path)
    for name, value in {**bench.environment, **dict([live.mark.split("=", 1)])}.items():
        monkeypatch.setenv(name, value)
    yield live
    live.close()
    live.no_process_is_left()


def test_a_run_waits_for_room_on_a_full_disk_says_so_and_loses_nothing(
    cramped: Live, small_disk: Path
) -> None:
    run_id = cramped.start(cramped.deploy("solo"), hold=True)
    cramped.has_begun(run_id)
    filler = fill(small_disk)
    cramped.let_go(run_id)

    def complains() -> bool:
        fill(small_disk)  # What is freed meanwhile is taken again.
        return "make room on" in cramped.engine.run(run_id).reason

    wait_until(complains, "the run says that the disk is full")
    assert cramped.engine.run(run_id).status == "RUNNING"
    filler.unlink()

    assert cramped.finished(run_id).status == "SUCCEEDED"
    assert (cramped.notes(run_id) / "begun").read_text() == "0\n"


def test_a_run_goes_on_although_other_programs_have_the_ids_of_its_dead_processes(
    tmp_path: Path,
) -> None:
    if shutil.which("unshare") is None or subprocess.run([*_APART, "true"]).returncode != 0:
        pytest.skip("this user may not make a pid namespace: run as root, with util-linux")
    program = Path(__file__).with_name("reusing_pids.py")
    paths = os.pathsep.join(sys.path)

    done = subprocess.run(
        [*_APART, sys.executable, str(program), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "ids taken" in done.stdout
