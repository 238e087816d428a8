"""The lab process: waits for what is wanted, observes several scenarios at a time.

It imports Metaflow once and forks a process per scenario, so that every one of them starts
with a fresh state at the cost of a fork. It ends with the process that started it, and ends
everything that it started itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metaflow_orchestrator_kit.compliance.foreign import every_case
from metaflow_orchestrator_kit.compliance.grammar import several
from metaflow_orchestrator_kit.compliance.lab import events
from metaflow_orchestrator_kit.compliance.lab.processes import LAB, end_group, end_marked
from metaflow_orchestrator_kit.compliance.lab.settings import (
    LabSettings,
    read_json,
    scenarios,
    write_atomically,
)
from metaflow_orchestrator_kit.compliance.model import Failure, Observation, Scenario

_GRACE = 45.0
"""Beyond its own limit, an observer has this long to write down what it saw."""


class Stop(BaseException):
    """The suite is over, or was interrupted."""


@dataclass(frozen=True, slots=True)
class Running:
    """A scenario under observation."""

    scenario: Scenario
    pid: int
    deadline: float


def run(directory: str, lock: int, parent: int) -> None:
    """Be the lab of that folder until all that is wanted has been observed.

    Args:
        directory: has the settings; everything is written there.
        lock: the descriptor whose lock shows that the lab is alive.
        parent: the process that started the lab; without it there is nothing to do.
    """
    settings = LabSettings.load(directory)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    running: dict[int, Running] = {}
    try:
        _watch(parent)
        _warm_up()
        wanted = _wait_for_wishes(settings, parent)
        queue = _queue(wanted, scenarios(settings))
        events.write(
            settings,
            "",
            f"{several(len(queue), 'scenario', 'scenarios')}, {settings.slots} at a time",
        )
        while queue or running:
            while queue and len(running) < settings.slots:
                scenario = queue.pop(0)
                started = _start(scenario, settings, lock, probe=scenario.id in wanted["probe"])
                running[started.pid] = started
            _reap(running, settings)
            _watch(parent)
            time.sleep(0.03)
    except Stop:
        events.write(settings, "", "stopped")
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        _end_all(running)
        end_marked(LAB, settings.token)


def _stop(*_: Any) -> None:
    raise Stop


def _warm_up() -> None:
    """Import what every observer needs, and listen to attribute files from the start."""
    import metaflow
    import metaflow.cli
    import metaflow.runner.click_api  # noqa: F401

    from metaflow_orchestrator_kit.compliance.lab import (
        observer,  # noqa: F401
        recorder,
    )

    recorder.install()


def _wait_for_wishes(settings: LabSettings, parent: int) -> Mapping[str, list[str]]:
    while (wanted := read_json(settings.path / "wanted.json")) is None:
        _watch(parent)
        time.sleep(0.02)
    return dict(wanted)


def _queue(wanted: Mapping[str, list[str]], own: Mapping[str, Scenario]) -> list[Scenario]:
    """The wanted scenarios, probes and long ones first."""
    known = {case.scenario.id: case.scenario for case in every_case()}
    known.update(own)
    chosen = [known[name] for name in {*wanted["run"], *wanted["probe"]}]
    return sorted(chosen, key=lambda one: (one.id not in wanted["probe"], -one.expected, one.id))


def _start(scenario: Scenario, settings: LabSettings, lock: int, *, probe: bool) -> Running:
    deadline = time.monotonic() + settings.limit(scenario.timeout) + _GRACE
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(lock)  # only the lab itself shows that the lab is alive
            from metaflow_orchestrator_kit.compliance.lab.observer import observe

            observe(scenario, settings, probe=probe)
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return Running(scenario, pid, deadline)


def _reap(running: dict[int, Running], settings: LabSettings) -> None:
    """Take note of observers that have ended, and end those that overstay."""
    for pid, one in list(running.items()):
        if time.monotonic() > one.deadline:
            end_group(pid)
        ended, code = os.waitpid(pid, os.WNOHANG)
        if not ended:
            continue
        del running[pid]
        end_group(pid, patience=0.5)
        if not settings.observation(one.scenario.id).exists():
            _write_failure(one.scenario, settings, code)


def _write_failure(scenario: Scenario, settings: LabSettings, code: int) -> None:
    folder = settings.scenario_folder(scenario.id)
    how = f"signal {os.WTERMSIG(code)}" if os.WIFSIGNALED(code) else f"code {os.WEXITSTATUS(code)}"
    message = f"The process that observed '{scenario.id}' ended with {how} and no observation."
    with contextlib.suppress(OSError):
        message += "\n" + (folder / "output.log").read_text("utf-8", errors="replace")[-3000:]
    observation = Observation(
        scenario.id, evidence=str(folder), error=Failure("lab", "ObserverDied", message)
    )
    write_atomically(settings.observation(scenario.id), observation.to_json())
    events.write(settings, scenario.id, f"the observer ended with {how}", over=True)


def _watch(parent: int) -> None:
    """Stop when the process that started the lab is gone."""
    if os.getppid() != parent:
        raise Stop


def _end_all(running: dict[int, Running]) -> None:
    """Ask every observer to end its run and leave; then make sure."""
    for pid in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while running and time.monotonic() < deadline:
        for pid in list(running):
            if os.waitpid(pid, os.WNOHANG)[0]:
                del running[pid]
                end_group(pid, patience=0.2)
        time.sleep(0.03)
    for pid in running:
        end_group(pid, patience=0.2)
