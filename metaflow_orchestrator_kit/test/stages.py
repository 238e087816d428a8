"""The stages of a run, each of which has to hold before the next one is worth its time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from metaflow_orchestrator_kit import Cap
from metaflow_orchestrator_kit.compliance.config import Suite
from metaflow_orchestrator_kit.compliance.grammar import several
from metaflow_orchestrator_kit.compliance.lab.flows import copy_flow
from metaflow_orchestrator_kit.compliance.select import Fate, Plan

_PATIENCE = 120.0


class Stage(Enum):
    """How far to go."""

    DOCTOR = "doctor"
    """Installed, importable, commands answer, the datastore can be written and read."""
    COMPILE = "compile"
    """Every flow compiles, without the scheduler: ``create --only-json``."""
    CORE = "core"
    """What every orchestrator must do."""
    EXTENDED = "extended"
    """Everything."""


CORE = tuple(cap.name for cap in Cap if cap.required)
"""What ``--stage core`` selects."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of one flow."""

    flow: str
    problem: str
    """Empty when it compiled, or was refused as it should be."""


def compile_flows(suite: Suite, plan: Plan, environment: Mapping[str, str]) -> list[Compiled]:
    """Compile every flow that the plan deploys; one that is probed has to be refused.

    Returns nothing at all where ``create`` has no ``--only-json``: then only the scheduler
    can tell.
    """
    flows: dict[str, Fate] = {}
    tops: dict[str, list[str]] = {}
    sources: dict[str, Path | None] = {}
    for one in plan.planned:
        scenario = one.case.scenario
        if one.fate in (Fate.RUN, Fate.PROBE) and scenario.before is None:
            flows.setdefault(scenario.flow, one.fate)
            tops.setdefault(scenario.flow, _top(scenario.top))
            sources.setdefault(scenario.flow, Path(scenario.folder) if scenario.folder else None)
    folder = Path(suite.directory) / "compile"
    word = f"c{suite.token[:6]}"
    files = {flow: copy_flow(flow, folder / flow, word, sources[flow]) for flow in flows}
    if not files:
        return []

    def create(flow: str, *options: str) -> subprocess.CompletedProcess[str]:
        assert suite.backend.scheduler_type is not None
        command = [sys.executable, str(files[flow]), "--no-pylint", *tops[flow]]
        return _run([*command, suite.backend.scheduler_type, "create", *options], environment)

    text = create(next(iter(files)), "--help").stdout
    if "--only-json" not in text:
        return []
    options = ["--only-json", *_options(suite.backend.deploy_args, text)]
    with ThreadPoolExecutor(suite.slots) as pool:
        done = pool.map(lambda flow: create(flow, *options), files)
        return [
            Compiled(flow, _problem(outcome, refused=fate is Fate.PROBE))
            for (flow, fate), outcome in zip(flows.items(), done, strict=True)
        ]


def show_compiled(compiled: list[Compiled], say: Callable[[str], None]) -> bool:
    """Print what became of the flows; whether the next stage is worth its time."""
    if not compiled:
        say("compile: skipped, because create has no --only-json; only running can tell")
        return True
    wrong = [one for one in compiled if one.problem]
    for one in wrong:
        say(f"compile: FAILED {one.flow}\n{one.problem}")
    right = several(
        len(compiled) - len(wrong), "flow is as it should be", "flows are as they should be"
    )
    say(f"compile: {right}, {several(len(wrong), 'is not', 'are not')}")
    return not wrong


def _top(keywords: Mapping[str, object]) -> list[str]:
    """What a flow cannot even be loaded without."""
    return [f"--environment={keywords['environment']}"] if "environment" in keywords else []


def _options(deploy_args: Mapping[str, object], text: str) -> list[str]:
    """The user's deploy arguments, as far as ``create`` itself knows them."""
    found = []
    for key, value in deploy_args.items():
        option = f"--{key.replace('_', '-')}"
        if f"{option} " in text or f"{option}\n" in text:
            found += [option] if value is True else [f"{option}={value}"]
    return found


def _problem(done: subprocess.CompletedProcess[str], *, refused: bool) -> str:
    printed = f"{done.stdout}\n{done.stderr}".strip()
    last = "\n".join(f"    {line}" for line in printed.splitlines()[-8:])
    if refused:
        fits = done.returncode != 0 and "not supported" in printed.lower()
        return "" if fits else f"    must be refused with 'not supported', but:\n{last}"
    if done.returncode != 0:
        return last
    try:
        json.loads(done.stdout)
    except ValueError:
        return f"    --only-json printed something else than JSON:\n{last}"
    return ""


def _run(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            env=dict(environment),
            cwd=Path(command[1]).parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"No answer within {_PATIENCE:g} s.")
