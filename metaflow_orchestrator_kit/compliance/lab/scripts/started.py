"""Runs that nobody triggers: a clock, an event, or the end of another run starts them."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.compliance.lab.actions import action, outcome, outcome_elsewhere
from metaflow_orchestrator_kit.compliance.lab.flows import copy_beside
from metaflow_orchestrator_kit.compliance.lab.live import GaveUp, Live, in_another_process
from metaflow_orchestrator_kit.compliance.words import has_ended
from metaflow_orchestrator_kit.paths import compliance_flows

_SCHEDULE = '@schedule(cron="* * * * *")'
_OPTIONAL, _REQUIRED = "default=3", "type=int, required=True"
_MINUTE = 60.0
_ZONE, _AHEAD = "Pacific/Kiritimati", timezone(timedelta(hours=14))


class StartedRun:
    """A run that the client found, in the place of a triggered one; it has no status."""

    def __init__(self, run: Any) -> None:
        self.pathspec = run.pathspec
        self.run = run


@action
def wait_for_the_clock(live: Live) -> None:
    """Wait for a scheduled run, redeploy without the schedule, and see whether another comes.

    Meanwhile another flow waits for its one minute of the day, in another time zone.
    """
    text = live.flow_file.read_text("utf-8")
    assert _SCHEDULE in text and _OPTIONAL in text
    with _time_kept(live):
        live.flow_file.write_text(text.replace(_OPTIONAL, _REQUIRED), encoding="utf-8")
        live.extra["required"] = outcome_elsewhere(live.create_again)
        live.flow_file.write_text(text, encoding="utf-8")
        zoned = _Zoned.deploy(live)
        live.flow_file.write_text(text.replace(_SCHEDULE, ""), encoding="utf-8")
        _follow_first(live, "a scheduled run", seconds=_MINUTE + 45)
        # Whether none comes later is known after the time that this one took to be seen.
        late = time.time() % _MINUTE
        live.extra["unscheduled"] = outcome_elsewhere(live.create_again)
        at = time.time()
        if "runs" in live.extra:
            live.wait_for_end()
            due = at + _MINUTE - at % _MINUTE
            time.sleep(max(0.0, due + 2 * late + 8 - time.time()))
            later = [run for run in _runs(live) if run.created_at.timestamp() > at]
            live.extra["runs_after"] = [run.pathspec for run in later]
        zoned.wait(live)


@dataclass(frozen=True, slots=True)
class _Zoned:
    """The scheduled flow under another name, due at one minute of the day in a zone far away.

    ``extra`` gets the outcome of its create() as ``zoned``, the seconds that were left to its
    minute then as ``zoned_spare``, and its runs as ``zoned_runs``.
    """

    file: Path
    flow: str
    due: float
    """When its minute begins, in seconds since the epoch."""

    @classmethod
    def deploy(cls, live: Live) -> _Zoned:
        """Deploy it for the minute after next."""
        assert live.deployment is not None
        due = (time.time() // _MINUTE + 2) * _MINUTE
        there = datetime.fromtimestamp(due, _AHEAD)
        schedule = f'@schedule(cron="{there.minute} {there.hour} * * *", timezone="{_ZONE}")'
        file = copy_beside(live.flow_file, "Zoned", (_SCHEDULE, schedule))
        live.extra["zoned"] = outcome_elsewhere(lambda: live.create_again(file=file))
        live.extra["zoned_spare"] = round(due - time.time(), 1)
        return cls(file, f"{live.deployment.flow_name}Zoned", due)

    def wait(self, live: Live) -> None:
        """Wait for its run, if it was deployed; then take the schedule away, which stays on."""
        if "result" not in live.extra["zoned"]:
            return
        left = max(1.0, self.due + 45 - time.time())
        with contextlib.suppress(GaveUp):
            live.wait_until("a run at its time", lambda: bool(_runs(live, self.flow)), seconds=left)
        live.extra["zoned_runs"] = [run.pathspec for run in _runs(live, self.flow)]
        text = self.file.read_text("utf-8")
        self.file.write_text(re.sub(r"@schedule\(.*\)", "", text), encoding="utf-8")
        outcome_elsewhere(lambda: live.create_again(file=self.file))


@action
def publish_event(live: Live) -> None:
    """Publish the event that the flow waits for, through the extension's command ``emit``."""
    if not _has(live, "emit"):
        live.extra["emit"] = {"missing": "The extension's command group has no command 'emit'."}
        return
    assert live.deployment is not None
    name = f"mok.{live.deployment.flow_name}"
    words = ("emit", name, "--payload", "said=it's $HOME", "--id", f"{name}.1")
    live.extra["emit"] = _run(live, *words)
    live.extra["event"] = name
    start = time.monotonic()
    _follow_first(live, "a run started by the event", seconds=60)
    needed = time.monotonic() - start
    if "runs" in live.extra:
        live.wait_for_end()
        live.extra["runs"] = [run.pathspec for run in _runs(live)]
        _publish_two(live, name, needed)


def _publish_two(live: Live, name: str, needed: float) -> None:
    """Deploy the flow so that it waits for two events, and publish them one after the other.

    Args:
        live: the scenario.
        name: of the first event.
        needed: seconds from an event to the run that it starts.
    """
    also = f"{name}.too"
    waits = f'@trigger(events=["{name}", "{also}"])'
    text = live.flow_file.read_text("utf-8")
    live.flow_file.write_text(re.sub(r"@trigger\(.*\)", lambda _: waits, text), encoding="utf-8")
    live.extra["two"] = outcome_elsewhere(live.create_again)
    known = len(_runs(live))
    _run(live, "emit", name, "--id", f"{name}.2")
    live.leave_time(needed)
    live.extra["after_one"] = len(_runs(live)) - known
    _run(live, "emit", also, "--id", f"{also}.2")
    with contextlib.suppress(GaveUp):
        live.wait_until("a run after both", lambda: len(_runs(live)) > known, seconds=60)
    live.leave_time(needed)
    live.extra["after_both"] = len(_runs(live)) - known


@action
def finish_another_flow(live: Live) -> None:
    """Run the flow that is waited for: in another branch, in vain in this one, and well."""
    from metaflow import DeployedFlow

    leader = live.flow_file.with_name("leader.py")
    shutil.copyfile(compliance_flows() / "leader.py", leader)
    find = getattr(DeployedFlow, f"from_{live.method}")
    here = str(live.top["branch"])

    def lead(branch: str, **values: Any) -> str:
        deployed = find(in_another_process(lambda: live.create_again(file=leader, branch=branch)))
        run = deployed.trigger(**values)
        live.wait_until(f"the end of {run.pathspec}", lambda: has_ended(run), seconds=60)
        return str(run.pathspec)

    live.extra["elsewhere"] = outcome(lambda: lead(f"{here}_other"))
    live.extra["in_vain"] = outcome(lambda: lead(here, fail=True))
    live.leave_time()
    live.extra["too_early"] = [run.pathspec for run in _runs(live)]
    live.extra["leader"] = outcome(lambda: lead(here))
    _follow_first(live, "a run started by the other flow's end", seconds=60)
    if "runs" in live.extra:
        live.wait_for_end()
        live.extra["runs"] = [run.pathspec for run in _runs(live)]


def _runs(live: Live, flow: str | None = None) -> list[Any]:
    """The runs of the deployed flow, or of another, oldest first, as the client shows them."""
    from metaflow import Flow, namespace

    namespace(None)
    assert live.deployment is not None
    with contextlib.suppress(Exception):  # as long as the flow has no run, there is no flow
        return sorted(Flow(flow or live.deployment.flow_name), key=lambda run: run.created_at)
    return []


def _follow_first(live: Live, what: str, seconds: float) -> None:
    """Wait for the first run, and look at it from now on; go on without when none comes."""
    with contextlib.suppress(GaveUp):
        live.wait_until(what, lambda: bool(_runs(live)), seconds=seconds)
        found = _runs(live)
        live.extra["runs"] = [run.pathspec for run in found]
        live.follow(StartedRun(found[0]))


def _command(live: Live, *words: str) -> list[str]:
    top = [f"--branch={live.top['branch']}"] if "branch" in live.top else []
    head = [sys.executable, str(live.flow_file), "--no-pylint", *top]
    return [*head, live.settings.scheduler_type, *words]


def _run(live: Live, *words: str) -> dict[str, Any]:
    command = _command(live, *words)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return {"code": done.returncode, "said": (done.stdout + done.stderr)[-4000:]}


def _has(live: Live, command: str) -> bool:
    """Whether the extension's group has a command of its own, by its help."""
    said = _run(live, "--help")["said"]
    return re.search(rf"^\s+{command}\b", said, re.MULTILINE) is not None


@contextlib.contextmanager
def _time_kept(live: Live) -> Iterator[None]:
    """Keep a server going where the extension comes with one; others have their scheduler."""
    if not _has(live, "serve"):
        yield
        return
    with (live.folder / "serve.log").open("wb") as log:
        server = subprocess.Popen(_command(live, "serve"), stdout=log, stderr=log)
        try:
            yield
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
