"""Cases on steps whose interpreter is built for them, by @pypi and by a uv project."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import Need, case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Blocked, Expect
from metaflow_orchestrator_kit.compliance.model import DIRECTORY, Observation, Scenario

VERSION = "1.1.1"
"""Of the package iniconfig; old, so that a worker hardly has it by itself."""

ISOLATED = Scenario(
    "isolated",
    "isolated",
    caps=(Cap.CONDA,),
    top={"environment": "pypi"},
    timeout=600,
    expected=60,
)
LOCKED = Scenario(
    "locked",
    "locked",
    caps=(Cap.CONDA,),
    top={"environment": "uv", "cwd": DIRECTORY},
    before="lock",
    timeout=300,
    expected=30,
)

LIKELY = [
    "the step runs under the worker's interpreter: Metaflow's environment names another one",
    "--environment is passed on, and that is all: it does not switch the interpreter",
    "the interpreter is switched in the first attempt only",
]


@case(
    "pypi-step-has-its-packages",
    cap=Cap.CONDA,
    clauses=("M4",),
    scenario=ISOLATED,
    need=Need.MICROMAMBA,
)
def of_a_step(seen: Observation, expect: Expect) -> None:
    """A step with @pypi has the package that it asks for, in every attempt; others are as ever.

    The option --environment alone changes no interpreter: the step imports what the worker has.
    """
    worker = facts.own(facts.one(seen, expect, "start"), "version")
    if worker == VERSION:
        raise Blocked(f"the worker itself has iniconfig {VERSION}, so nothing can be told apart")
    _has_package(seen, expect, "built")
    expect.equal(
        "version of iniconfig that 'end' finds, which has @pypi(disabled=True) as 'start'",
        expected=worker,
        observed=facts.own(facts.one(seen, expect, "end"), "version"),
        likely=["the interpreter of one step is taken for the whole flow"],
    )
    facts.ended_well(seen, expect, LIKELY)


@case("uv-step-has-its-packages", cap=Cap.CONDA, clauses=("M4",), scenario=LOCKED, need=Need.UV)
def of_a_project(seen: Observation, expect: Expect) -> None:
    """With --environment=uv every step has the packages of the lock, in every attempt.

    The lock travels in the code package and is made an interpreter where the step runs.
    """
    for step in ("start", "built", "end"):
        _has_package(seen, expect, step)
    facts.ended_well(seen, expect, LIKELY)


def _has_package(seen: Observation, expect: Expect, step: str) -> None:
    task = facts.one(seen, expect, step, LIKELY)
    expect.equal(
        f"version of iniconfig that '{step}' finds",
        expected=VERSION,
        observed=facts.own(task, "version"),
        likely=LIKELY,
    )
    if step == "built":
        facts.attempts(seen, expect, task, [0, 1])
        expect.equal(
            f"versions of iniconfig that the attempts of '{step}' find, as far as they can tell",
            expected=[VERSION] * len(seen.entries(step)),
            observed=[entry["event"] for entry in seen.entries(step)],
            likely=LIKELY[::-1],
        )
