"""How test items reach the lab: they start it, wish for scenarios, and wait for them.

Any number of processes may wait; one of them has started the lab and ends it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping

from metaflow_orchestrator_kit.compliance.lab.processes import LAB, end_marked
from metaflow_orchestrator_kit.compliance.lab.settings import (
    LabSettings,
    read_json,
    write_atomically,
)
from metaflow_orchestrator_kit.compliance.model import Observation


class LabError(Exception):
    """The lab did not deliver; the message says what was waited for, and the lab's last words."""


class Lab:
    """A running lab, seen by the process that started it."""

    def __init__(self, settings: LabSettings, process: subprocess.Popen[bytes]) -> None:
        self.settings = settings
        self._process = process

    @classmethod
    def start(cls, settings: LabSettings, environment: Mapping[str, str]) -> Lab:
        """Start the process; what it shall observe is told by :func:`wish`."""
        settings.save()
        lock = os.open(settings.path / "alive", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            # The lock belongs to the open file, which only the lab keeps: whoever can get
            # the lock knows that the lab is gone, however it went.
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.set_inheritable(lock, True)
            with (settings.path / "lab.log").open("wb") as log:
                process = subprocess.Popen(
                    [
                        *(sys.executable, "-m", __package__),
                        *(settings.directory, str(lock), str(os.getpid())),
                    ],
                    env={**environment, LAB: settings.token},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=(lock,),
                    start_new_session=True,
                )
        finally:
            os.close(lock)
        return cls(settings, process)

    def stop(self, patience: float = 25.0) -> None:
        """End the lab, and with it everything that it started."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        end_marked(LAB, self.settings.token, patience=1.0)


def wish(settings: LabSettings, run: Iterable[str], probe: Iterable[str] = ()) -> None:
    """Say which scenarios are wanted; the first time counts, and all processes say the same."""
    file = settings.path / "wanted.json"
    if not file.exists():
        write_atomically(file, {"run": sorted(set(run)), "probe": sorted(set(probe))})


def await_observation(settings: LabSettings, scenario: str, deadline: float) -> Observation:
    """Wait for an observation, until ``deadline`` on the monotonic clock.

    Raises:
        LabError: the lab is dead, or the deadline has passed.
    """
    file = settings.observation(scenario)
    pause = 0.02
    while (content := read_json(file)) is None:
        if not alive(settings):
            if file.exists():
                continue
            raise LabError(
                f"The lab ended before it had observed '{scenario}'. Its last words "
                f"({settings.path / 'lab.log'}):\n{_last_words(settings)}"
            )
        if time.monotonic() > deadline:
            raise LabError(f"Waited too long for the lab to observe '{scenario}'.")
        time.sleep(pause)
        pause = min(0.2, pause * 1.3)
    return Observation.from_json(content)


def alive(settings: LabSettings) -> bool:
    """Whether the lab process still is there."""
    try:
        file = os.open(settings.path / "alive", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _last_words(settings: LabSettings) -> str:
    try:
        text = (settings.path / "lab.log").read_text("utf-8", errors="replace").strip()
    except OSError:
        text = ""
    return text[-3000:] or "(none)"
