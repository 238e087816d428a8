"""The folder of a run: its locks, and the note of what stands in its way."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest
from in_place.embedded_folder import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.of(tmp_path / "home", "r-1")


def test_one_process_at_a_time_has_the_lease_of_a_run(folder: RunFolder, tmp_path: Path) -> None:
    other = RunFolder.of(tmp_path / "home", "r-2")

    with folder.lease() as mine:
        assert mine is not None
        with folder.lease() as second, other.lease() as others, folder.keeper() as keeper:
            assert second is None
            assert others is not None
            assert keeper is not None
    with folder.lease() as again:
        assert again is not None


def test_a_lock_is_held_until_every_copy_of_its_descriptor_is_closed(folder: RunFolder) -> None:
    with folder.lease() as mine:
        assert mine is not None
        copy = os.dup(mine)

    with folder.lease() as taken:
        assert taken is None
    os.close(copy)
    with folder.lease() as taken:
        assert taken is not None


def test_a_note_is_replaced_and_taken_back(folder: RunFolder) -> None:
    assert folder.trouble == ""

    folder.note("a rather long note " * 200)
    folder.note("the disk is full: Zo\u00eb")

    assert folder.trouble == "the disk is full: Zo\u00eb"
    folder.note("")
    assert folder.trouble == ""


def test_a_note_can_be_changed_when_nothing_more_can_be_written(folder: RunFolder) -> None:
    folder.note("")
    pid = os.fork()
    if pid == 0:
        # A file may not become larger than the note is: like a disk with no block left.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        folder.note("the disk is full")
        os._exit(0)
    os.waitpid(pid, 0)

    assert folder.trouble == "the disk is full"


def test_a_note_that_cannot_be_written_is_no_error(folder: RunFolder) -> None:
    (folder.path / "trouble").mkdir()

    folder.note("anything")

    assert folder.trouble == ""
