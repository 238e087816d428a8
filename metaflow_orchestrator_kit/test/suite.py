"""Runs the suite against one backend: set-up, pytest, progress, report, clean-up."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from metaflow_orchestrator_kit.compliance import cases
from metaflow_orchestrator_kit.compliance.config import Backend, Suite
from metaflow_orchestrator_kit.compliance.extension import Extension
from metaflow_orchestrator_kit.compliance.known.judge import Judged
from metaflow_orchestrator_kit.compliance.lab.environment import lab_environment
from metaflow_orchestrator_kit.compliance.lab.processes import (
    LAB,
    end_group,
    end_marked,
    hear_interrupts,
)
from metaflow_orchestrator_kit.compliance.masking import masked
from metaflow_orchestrator_kit.compliance.report.results import gather
from metaflow_orchestrator_kit.compliance.report.table import failures
from metaflow_orchestrator_kit.compliance.select import Fate, Plan
from metaflow_orchestrator_kit.compliance.tools import tools
from metaflow_orchestrator_kit.compliance.verdict import Exit
from metaflow_orchestrator_kit.test.outcome import Known, write_report
from metaflow_orchestrator_kit.test.preflight import NotReady, check_extension
from metaflow_orchestrator_kit.test.progress import Progress
from metaflow_orchestrator_kit.test.random_flows import TRIES, shrink_failures, summary, write_flows
from metaflow_orchestrator_kit.test.show import Screen, headline, show, show_doctor, show_plan
from metaflow_orchestrator_kit.test.stages import Stage, compile_flows, show_compiled
from metaflow_orchestrator_kit.test.upstream import Upstream, run_upstream

_PLUGIN = "metaflow_orchestrator_kit"
_MARKER = ".metaflow-orchestrator-kit"


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for, for one backend."""

    backend: Backend
    requested: list[str] | None
    select: list[str]
    workers: int | None
    timeout: float | None
    report_dir: Path | None
    keep: bool
    list_only: bool
    pytest_arguments: tuple[str, ...]
    again: str
    known: Known | None = None
    random_flows: int = 0
    seed: int = 0
    shrink_tries: int = TRIES
    upstream: Upstream | None = None
    """Metaflow's own tests, to be run as well."""
    triage: Path | None = None
    """The file for a worksheet of what fails."""
    large: bool = False
    unreachable: dict[str, str] = field(default_factory=dict)
    """In the place of what the extension declares, unless empty."""
    stage: Stage | None = None
    """How far to go, stage by stage; None for everything, without compiling it before."""


def run_suite(request: Request, screen: Screen) -> Exit:
    """Run the suite and show the outcome.

    Raises:
        NotReady: the extension or the report folder cannot be used.
        ValueError: the extension's declaration or ``--select`` names something unknown.
        ConfigError: the list of known failures cannot be read or written.
    """
    folder = _folder(request)
    environment = lab_environment(os.environ, folder / "datastore")
    keep = request.keep or request.report_dir is not None
    try:
        assert request.backend.scheduler_type is not None
        ready = check_extension(
            request.backend.scheduler_type, environment.variables, folder / "preflight"
        )
        extension = ready.extension
        if request.stage is Stage.DOCTOR:
            show_doctor(ready, request.backend, environment.isolated, screen)
            return Exit.PASSED
        suite = _suite(request, extension, folder, environment.isolated)
        plan = suite.plan()
        write_flows(suite, plan)
        if request.list_only:
            show_plan(plan, screen, () if request.upstream is None else request.upstream.wanted())
            return Exit.PASSED
        screen.say(headline(request.backend, extension, plan))
        if request.stage is not None:
            compiled = compile_flows(suite, plan, environment.variables)
            if not show_compiled(compiled, screen.say):
                return Exit.FAILED
            if request.stage is Stage.COMPILE:
                return Exit.PASSED if compiled else Exit.NOTHING_RAN
        start = time.monotonic()
        code, output = 0, ""
        if any(one.fate in (Fate.RUN, Fate.PROBE) for one in plan.planned):
            code, output = _run_pytest(request, suite, plan, environment.variables, screen)
        _forget_secrets(suite)
        results = gather(plan, suite.results)
        if code in (0, 1):  # neither interrupted nor broken
            results = shrink_failures(
                suite, plan, results, environment.variables, screen.say, tries=request.shrink_tries
            )
        if request.upstream is not None and code in (0, 1):
            results += run_upstream(request.upstream, suite, environment.variables, screen.say)
        judged = Judged(results, [])
        if request.known is not None:
            judged = request.known.judge(judged.results, screen.say)
        outcome = _outcome(judged, code, output, screen)
        keep = keep or outcome is not Exit.PASSED
        red = failures(judged.results, colour=screen.colour)
        if red and not request.pytest_arguments:  # else pytest itself has shown them
            screen.say(f"\n{red}".rstrip())
        kept = folder if keep else None
        show(judged, kept, screen, extension.notes, summary(plan, judged.results))
        if request.report_dir is not None or request.triage is not None:
            write_report(
                request.report_dir,
                extension,
                plan,
                judged,
                backend=request.backend,
                seconds=time.monotonic() - start,
                known=request.known,
                upstream=None if request.upstream is None else request.upstream.section(),
                triage=request.triage,
            )
        return outcome
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _folder(request: Request) -> Path:
    """The folder for all evidence: below the report folder, or a temporary one."""
    if request.report_dir is None:
        return Path(tempfile.mkdtemp(prefix="mok-")).resolve()
    folder = request.report_dir.resolve() / "evidence"
    try:
        if folder.exists():
            if not (folder / _MARKER).exists():
                raise NotReady(
                    f"{folder} exists and was not written by this command; "
                    "give another --report-dir."
                )
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        (folder / _MARKER).touch()
    except OSError as error:
        raise NotReady(f"--report-dir {request.report_dir}: {error.strerror}.") from None
    return folder


def _suite(request: Request, extension: Extension, folder: Path, isolated: bool) -> Suite:
    backend = Backend(**{**asdict(request.backend), "scheduler_type": extension.type})
    return Suite(
        backend=backend,
        directory=str(folder),
        token=secrets.token_hex(6),
        declared=None if extension.declared is None else list(extension.declared),
        requested=request.requested,
        select=request.select,
        slots=request.workers or (os.cpu_count() or 2) + 2,
        timeout=request.timeout,
        isolated=isolated,
        again=request.again,
        table=False,
        random_flows=request.random_flows,
        seed=request.seed,
        large=request.large,
        tools=tools(os.environ),
        unreachable=request.unreachable or extension.unreachable,
    )


def _forget_secrets(suite: Suite) -> None:
    """The evidence is kept and passed around: take secrets out of the kit's own files in it."""
    known = masked(suite.backend.deploy_args)
    if known != suite.backend.deploy_args:
        clean = replace(suite, backend=replace(suite.backend, deploy_args=known))
        clean.save(Path(suite.directory) / "ux_test_config.yaml")
        clean.lab().save()


def _run_pytest(
    request: Request, suite: Suite, plan: Plan, environment: dict[str, str], screen: Screen
) -> tuple[int, str]:
    """Its exit code and what it printed; Ctrl-C ends it and everything below it."""
    folder = Path(suite.directory)
    config, log = folder / "ux_test_config.yaml", folder / "pytest.log"
    signal.signal(signal.SIGTERM, _as_interrupt)
    suite.save(config)
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", *_pytest_options(request, suite, config)]
    environment = {key: value for key, value in environment.items() if key != "PYTEST_ADDOPTS"}
    shown = bool(request.pytest_arguments)
    scenarios = {one.case.scenario.id for one in plan.planned if one.fate in (Fate.RUN, Fate.PROBE)}
    progress = Progress(folder / "events.jsonl", len(scenarios), screen.say)
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=None if shown else stream,
            stderr=None if shown else subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=hear_interrupts,
        )
        try:
            while process.poll() is None:
                if not shown:
                    progress.update()
                time.sleep(0.1)
        except KeyboardInterrupt:
            screen.say("\nInterrupted: ending the flows (once more to stop waiting for that).")
            _interrupt(process)
        finally:
            end_group(process.pid, patience=1.0)
            process.wait()
            end_marked(LAB, suite.token, patience=1.0)
    return process.returncode, log.read_text("utf-8", errors="replace")


def _pytest_options(request: Request, suite: Suite, config: Path) -> list[str]:
    options = ["-c", str(config.parent / "pytest.ini"), "--rootdir", str(config.parent)]
    options += ["--mok-config", str(config), "-p", "no:cacheprovider", "--tb=short", "-q"]
    installed = importlib.metadata.entry_points(group="pytest11", name=_PLUGIN)
    if not installed:  # a checkout that is on the path but not installed
        options += ["-p", f"{_PLUGIN}.compliance.plugin"]
    limits = [suite.lab().limit(one.case.scenario.timeout) for one in suite.plan().planned]
    options.append(f"--timeout={300 + int(sum(limits))}")
    return [*options, *request.pytest_arguments, str(Path(cases.__file__).parent)]


def _as_interrupt(*_: object) -> None:
    """Whoever ends the command, a person or a CI system, ends the flows with it."""
    raise KeyboardInterrupt


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """End pytest, which ends the lab; at the second Ctrl-C no longer politely."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    with contextlib.suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
        process.wait(timeout=40)


def _outcome(judged: Judged, code: int, output: str, screen: Screen) -> Exit:
    """The exit code; pytest's own trouble is shown, and is never a pass."""
    if code in (0, 1, 2, 5, -signal.SIGINT):
        return judged.exit_code
    screen.say(output.strip()[-4000:])
    return Exit.USAGE if code == 4 else max(Exit.FAILED, judged.exit_code)
