"""Tries one mutant: the scenarios that it concerns are observed, and their cases judged.

There is nothing in between: no installation (Metaflow finds the edited copy through PYTHONPATH),
no pytest, no look at what is installed. A trial costs little more than the flows that it runs.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mutant import CONTROLS, NAME, Mutant

from metaflow_orchestrator_kit import Cap
from metaflow_orchestrator_kit.compliance.case import Case
from metaflow_orchestrator_kit.compliance.cases import all_cases
from metaflow_orchestrator_kit.compliance.config import Backend, Suite
from metaflow_orchestrator_kit.compliance.judge import Judge
from metaflow_orchestrator_kit.compliance.lab.client import Lab, wish
from metaflow_orchestrator_kit.compliance.lab.environment import lab_environment
from metaflow_orchestrator_kit.compliance.select import Fate
from metaflow_orchestrator_kit.compliance.verdict import Result, Verdict

ROOT = Path(__file__).resolve().parents[2]

CASES = {case.id: case for case in all_cases()}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant."""

    mutant: str
    seconds: float
    verdicts: dict[str, str]
    """By case."""
    problems: list[str]
    """Why it does not count as killed; empty when the right cases have killed it."""

    @property
    def killed(self) -> bool:
        """Whether it was caught by the right cases, with the right messages, and by no others."""
        return not self.problems


def selected(mutant: Mutant) -> tuple[Case, ...]:
    """The cases to judge: all that share a scenario with one that must fail.

    Where none of them is left to pass, a control is judged as well.
    """
    scenarios = {CASES[case].scenario.id for case in mutant.kills}
    found = tuple(case for case in CASES.values() if case.scenario.id in scenarios)
    red = {*mutant.kills, *mutant.also}
    if all(case.id in red for case in found):
        found = (*found, *[CASES[case] for case in CONTROLS if case not in red][:1])
    return found


def scaffold(folder: Path) -> Path:
    """Write an extension; its byte code is there already, which copies of it share."""
    project = folder / NAME
    command = [sys.executable, "-m", "metaflow_orchestrator_kit.scaffold", NAME, str(project)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
    # By its size and the second of its writing, an edit may look like what it has replaced.
    checked = ("--invalidation-mode", "checked-hash")
    command = [sys.executable, "-m", "compileall", "-q", *checked, str(project)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return project


def attempt(mutant: Mutant | None, pristine: Path, folder: Path) -> Outcome:
    """Break a copy of the extension, and see which cases notice; None breaks nothing.

    Args:
        mutant: what to break.
        pristine: what :func:`scaffold` wrote.
        folder: to be made; keeps the copy and all evidence.
    """
    start = time.monotonic()
    project = folder / NAME
    shutil.copytree(pristine, project)
    cases: Iterable[Case] = CASES.values()
    if mutant is not None:
        mutant.apply(project / mutant.path)
        cases = selected(mutant)
    limit = mutant.timeout if mutant is not None else None
    results = _results(project, [case.id for case in cases], folder / "evidence", limit)
    return Outcome(
        mutant.id if mutant is not None else "",
        round(time.monotonic() - start, 1),
        {result.case: result.verdict.value for result in results},
        _problems(mutant, results),
    )


def _results(project: Path, cases: list[str], folder: Path, timeout: float | None) -> list[Result]:
    folder.mkdir(parents=True)
    path = os.pathsep.join([str(project), str(ROOT)])
    environment = lab_environment(
        {**os.environ, "PYTHONPATH": path, "METAFLOW_USER": "mutant"}, folder / "datastore"
    )
    suite = Suite(
        backend=Backend(name=NAME, scheduler_type=NAME),
        directory=str(folder),
        token=secrets.token_hex(6),
        requested=[cap.name for cap in Cap],
        select=cases,
        slots=(os.cpu_count() or 2) + 2,
        timeout=timeout,
        isolated=environment.isolated,
        unreachable={f"METAFLOW_{NAME.upper()}_HOME": f"/dev/null/{NAME}"},
    )
    plan = suite.plan()
    chosen = [one for one in plan.planned if one.fate is Fate.RUN]
    scenarios = {one.case.scenario.id: one.case.scenario.timeout for one in chosen}
    lab = Lab.start(suite.lab(), environment.variables)
    try:
        wish(suite.lab(), run=scenarios)
        limit = 120 + sum(suite.lab().limit(own) for own in scenarios.values())
        judge = Judge(suite, plan, time.monotonic() + limit)
        return [judge.judge(one)[0] for one in chosen]
    finally:
        lab.stop()


def _problems(mutant: Mutant | None, results: list[Result]) -> list[str]:
    """What speaks against counting the mutant as killed."""
    found = {result.case: result for result in results}
    broken = [result for result in results if result.verdict is Verdict.ERROR]
    if broken:
        which = ", ".join(result.case for result in broken)
        return [f"the kit itself went wrong in {which}: {broken[0].message[-1500:]}"]
    problems: list[str] = []
    kills = mutant.kills if mutant is not None else {}
    for case, fragment in kills.items():
        problems += _missed(found[case], fragment)
    expected = {*kills, *(mutant.also if mutant is not None else ())}
    failed = {result.scenario for case, result in found.items() if case in kills}
    for case, result in found.items():
        red = result.verdict is Verdict.FAILED
        # A case that cannot be judged any more is no witness, for or against.
        lost = result.verdict is Verdict.BLOCKED and result.scenario not in failed
        if (red or lost) and case not in expected:
            problems.append(f"{case} is {result.verdict.value} as well: {_seen(result.message)}")
    return problems


def _missed(result: Result, fragment: str) -> list[str]:
    if result.verdict is not Verdict.FAILED:
        return [f"{result.case} is {result.verdict.value}, not failed {result.message[:300]}"]
    wanted = [f"clause {clause}" for clause in result.clauses] + [fragment]
    return [
        f"the message of {result.case} lacks {text!r}: {_seen(result.message)}"
        for text in wanted
        if text not in result.message
    ]


def _seen(message: str) -> str:
    """The part of a case's message that says what was looked at and observed."""
    return message.partition("\n\n")[2].partition("\ncontract")[0][:700].replace("\n", "\n      ")
