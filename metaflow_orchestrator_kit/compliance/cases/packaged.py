"""Cases on the code package: tasks run what was deployed, and need no file of the deployer."""

from __future__ import annotations

from pathlib import PurePosixPath

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

# The flow itself needs no package: a scheduler without one runs it, from the deployer's disk.
PACKAGED = Scenario("packaged", "packaged", script="edit_and_run", timeout=300, expected=12)

STEPS = ("start", "left", "right", "join", "end")

LIKELY = [
    "the tasks run the deployer's own file, by its absolute path",
    "the package is made when a run starts, and not when the flow is deployed",
]


@case(
    "package-runs-what-was-deployed",
    cap=Cap.CODE_PACKAGE,
    clauses=("I3", "I4"),
    scenario=PACKAGED,
)
def runs_what_was_deployed(seen: Observation, expect: Expect) -> None:
    """An edit of the flow's file after it was deployed changes nothing in any step.

    Where tasks run the deployer's file in place, saving a file changes production, in the middle
    of a run too; on another machine there is no such file at all.
    """
    _is_of_the_package(seen, expect, "flow")
    facts.ended_well(seen, expect)


@case(
    "package-brings-modules",
    cap=Cap.CODE_PACKAGE,
    clauses=("I3",),
    scenario=PACKAGED,
    sees_errors=True,
)
def brings_modules(seen: Observation, expect: Expect) -> None:
    """A module beside the flow is importable in every step, as it was when it was deployed.

    A scheduler that ships the flow's file alone fails at the first import, or finds the module of
    the deployer as long as both are on one machine.
    """
    facts.no_error(
        seen,
        expect,
        ["init and the steps cannot import 'packaged_words': only the flow's file is there"],
    )
    _is_of_the_package(seen, expect, "helper")


@case("package-for-client", cap=Cap.CODE_PACKAGE, clauses=("G5",), scenario=PACKAGED)
def for_client(seen: Observation, expect: Expect) -> None:
    """Metaflow's client gives the code of a run, as it was deployed, with the modules beside it."""
    likely = ["METAFLOW_CODE_URL, _SHA, _DS or _METADATA is missing in the commands"]
    code = seen.extra.get("code", {})
    found = code.get("result", {})
    expect.equal(
        f"the flow in Run.code ({code.get('error', 'no error')})",
        expected="as deployed",
        observed=found.get("flow"),
        likely=likely,
    )
    for file in ("packaged.py", "packaged_words.py"):
        expect.contains(
            "files of the flow's folder in Run.code", expected=file, observed=found["files"]
        )


def _is_of_the_package(seen: Observation, expect: Expect, what: str) -> None:
    """A file is what it was when it was deployed, in every step, and not the deployer's."""
    folder = PurePosixPath(seen.extra.get("folder", "/"))
    for step in STEPS:
        task = facts.one(seen, expect, step, LIKELY)
        expect.equal(
            f"the {what} that '{step}' ran",
            expected="as deployed",
            observed=facts.own(task, "code", what),
            likely=LIKELY,
        )
        file = PurePosixPath(str(facts.own(task, "files", what)))
        expect.true(
            f"the file of the {what} in '{step}'",
            folder not in file.parents,
            expected=f"none in the deployer's folder {folder}",
            observed=str(file),
            likely=LIKELY,
        )
