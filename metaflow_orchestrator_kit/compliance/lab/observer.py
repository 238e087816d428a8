"""Observes one scenario, in a process forked for it, and writes down what was seen."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.compliance.extension import split_deploy_args
from metaflow_orchestrator_kit.compliance.lab import events, recorder
from metaflow_orchestrator_kit.compliance.lab.flows import copy_flow, fill_in, scenario_token
from metaflow_orchestrator_kit.compliance.lab.live import GaveUp, Live
from metaflow_orchestrator_kit.compliance.lab.processes import SCENARIO, lingering
from metaflow_orchestrator_kit.compliance.lab.profiles import make_profile
from metaflow_orchestrator_kit.compliance.lab.reading import begun, plain, read_run
from metaflow_orchestrator_kit.compliance.lab.scripts import ACTIONS
from metaflow_orchestrator_kit.compliance.lab.settings import LabSettings, write_atomically
from metaflow_orchestrator_kit.compliance.model import (
    LEDGER,
    Failure,
    Observation,
    Residue,
    RunSeen,
    Scenario,
    TaskSeen,
)


class Stopped(BaseException):
    """The suite is being ended."""


def observe(scenario: Scenario, settings: LabSettings, *, probe: bool) -> None:
    """Carry the scenario through and write its observation; never raises for what it sees.

    A probe only deploys: the flow needs something that the extension says it has not.
    """
    folder = settings.scenario_folder(scenario.id)
    limit = settings.limit(scenario.timeout)
    _enter(folder, scenario, settings, limit)
    live: Live | None = None
    error: Failure | None = None
    before: set[str] = set()
    try:
        live = _prepare(scenario, settings, folder, limit)
        if scenario.before is not None and not probe:
            live.phase = "lab"
            ACTIONS[scenario.before](live)
        before = _files(folder)
        live.deploy()
        if not probe:
            ACTIONS[scenario.script or "run_to_end"](live)
    except (Exception, Stopped) as problem:
        error = _failure(live.phase if live else "lab", problem)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if error is not None and live is not None:
        _end_run(live)
    write_atomically(
        settings.observation(scenario.id),
        _observation(scenario, folder, live, error, before, settings).to_json(),
    )
    if live is not None and live.deployed is not None and not settings.isolated:
        with contextlib.suppress(Exception):
            live.deployed.delete()
    shutil.rmtree(folder / "tmp", ignore_errors=True)
    events.write(settings, scenario.id, _summary(live, error, probe), over=True)


def _enter(folder: Path, scenario: Scenario, settings: LabSettings, limit: float) -> None:
    """A session, a working directory, an output file and a clock of its own."""
    for name in ("flow", "cwd", "ledger", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    os.setsid()
    output = os.open(folder / "output.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(output, stream)
    # Of this process alone: it ends without its finalisers, and nobody else would tidy up.
    tempfile.tempdir = str(folder / "tmp")
    os.chdir(folder / "cwd")
    recorder.keep_commands(folder)
    os.environ[SCENARIO] = f"{settings.token}/{scenario.id}"
    os.environ[LEDGER] = str(folder / "ledger")

    def too_long(*_: Any) -> None:
        raise GaveUp(f"The scenario's {limit:.0f} s are over.")

    def stopped(*_: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Stopped("The suite was ended while this was going on.")

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the lab decides
    signal.signal(signal.SIGTERM, stopped)
    signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, limit)


def _prepare(scenario: Scenario, settings: LabSettings, folder: Path, limit: float) -> Live:
    word = scenario_token(settings.token, scenario.id)
    source = Path(scenario.folder) if scenario.folder else None
    flow_file = copy_flow(scenario.flow, folder / "flow", word, source)
    top = fill_in(scenario.top, word=word, folder=flow_file.parent)
    if settings.decospecs or "decospecs" in top:
        top["decospecs"] = [*settings.decospecs, *top.get("decospecs", ())]
    top.setdefault("pylint", False)
    if "profile" in top:
        make_profile(top["profile"], folder / "metaflow_home")
    deployer_arguments, create_arguments = split_deploy_args(
        settings.scheduler_type, settings.deploy_args
    )
    own = fill_in(scenario.deploy, word=word, folder=flow_file.parent)
    return Live(
        scenario=scenario,
        settings=settings,
        folder=folder,
        flow_file=flow_file,
        top=top,
        deployer_arguments=deployer_arguments,
        create_arguments={**create_arguments, **own, **_added(create_arguments, own)},
        trigger_arguments=fill_in(scenario.trigger, word=word, folder=flow_file.parent),
        deadline=time.monotonic() + limit,
        announce=lambda what: events.write(settings, scenario.id, what),
    )


def _added(given: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Lists that the user and the scenario both give, such as tags, add up."""
    return {
        key: [*given[key], *own[key]]
        for key in given.keys() & own.keys()
        if isinstance(given[key], list) and isinstance(own[key], list)
    }


def _failure(phase: str, problem: BaseException) -> Failure:
    text = traceback.format_exc()
    message = str(problem)
    if isinstance(problem, GaveUp) and not message.startswith("Waited"):
        message = f"{message} It was in the phase '{phase}'."
    return Failure(phase, type(problem).__name__, message, text[-8000:])


def _end_run(live: Live) -> None:
    """A run that nobody waits for any more must not go on; what cannot be ended, cannot."""
    signal.setitimer(signal.ITIMER_REAL, 20)
    try:
        if live.triggered is not None and live.terminal_after is None:
            live.triggered.terminate()
    except (Exception, Stopped):
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _observation(
    scenario: Scenario,
    folder: Path,
    live: Live | None,
    error: Failure | None,
    before: set[str],
    settings: LabSettings,
) -> Observation:
    if live is None:
        return Observation(scenario.id, evidence=str(folder), error=error, output=_output(folder))
    run: RunSeen | None = None
    tasks: list[TaskSeen] = []
    pathspec = getattr(live.triggered, "pathspec", None)
    of = pathspec or _begun(live, error)
    if of is not None:
        try:
            run, tasks = read_run(of)
        except Exception as problem:
            error = error or _failure("read", problem)
    return Observation(
        scenario=scenario.id,
        evidence=str(folder),
        error=error,
        deployment=live.deployment,
        seconds={name: round(value, 3) for name, value in live.seconds.items()},
        pathspec=pathspec,
        statuses=live.statuses,
        run_visible_after=live.run_visible_after,
        terminal_after=live.terminal_after,
        final_status=live.final_status,
        run=run,
        tasks=tasks,
        ledger=live.ledger(),
        residue=_residue(folder, live, before, settings),
        extra=plain(live.extra) if live.extra else {},
        output=_output(folder),
    )


def _begun(live: Live, error: Failure | None) -> str | None:
    """The run that trigger() has made, although it raised; nobody else runs this flow."""
    if error is None or error.phase != "trigger" or live.deployment is None:
        return None
    return None if live.deployment.flow_name is None else begun(live.deployment.flow_name)


def _residue(folder: Path, live: Live, before: set[str], settings: LabSettings) -> Residue:
    """What is left once the run is over; processes get a moment to end."""
    left = []
    if live.terminal_after is not None:
        left = lingering(SCENARIO, f"{settings.token}/{live.scenario.id}")
    return Residue(
        files=sorted(_files(folder) - before), processes=sorted(str(one) for one in left)
    )


def _files(folder: Path) -> set[str]:
    """The files beside the flow and in the working directory; byte code is Python's own."""
    return {
        str(file.relative_to(folder))
        for part in ("flow", "cwd")
        for file in (folder / part).rglob("*")
        if "__pycache__" not in file.parts
    }


def _output(folder: Path) -> str:
    """What the commands printed; Metaflow copies it in threads, which may need a moment."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(timeout=1)
    sys.stdout.flush()
    sys.stderr.flush()
    return (folder / "output.log").read_text("utf-8", errors="replace")[-100_000:]


def _summary(live: Live | None, error: Failure | None, probe: bool) -> str:
    """The end of the scenario, in the few words that fit on a line of progress."""
    if error is None:
        return f"ended: {live.final_status}" if live is not None and live.triggered else "accepted"
    lines = [line.strip() for line in error.message.splitlines() if line.strip()] or [error.type]
    # Metaflow's own message starts with the command; what the command said comes last.
    reason = lines[-1] if lines[0].startswith("Error executing") else lines[0]
    what = "not deployed" if probe and error.phase == "deploy" else f"{error.phase} failed"
    return f"{what}: {reason[:200]}"
