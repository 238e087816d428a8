"""Cases on a run that is terminated while two of its tasks work."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance import words
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

TERMINATED = Scenario(
    "terminated",
    "terminable",
    caps=(),
    script="terminate_while_running",
    timeout=150,
    expected=15,
)


@case("terminate-status", cap=Cap.TERMINATE, clauses=("C9", "L4"), scenario=TERMINATED)
def status(seen: Observation, expect: Expect) -> None:
    """terminate() of a running run says that it worked, and the status says that it is over."""
    expect.equal(
        "terminate()",
        expected=True,
        observed=seen.extra.get("terminate", {}).get("result", seen.extra.get("terminate")),
        likely=["terminate() does not return whether its command succeeded"],
    )
    expect.true(
        "the final status",
        seen.terminal_after is not None and not words.is_good(seen.final_status),
        expected="terminal, and not a success",
        observed=seen.final_status,
    )


@case("terminate-processes", cap=Cap.TERMINATE, clauses=("H8", "L4"), scenario=TERMINATED)
def processes(seen: Observation, expect: Expect) -> None:
    """No process of a terminated run is left: no task, no child of a task, no executor."""
    expect.equal(
        "processes that still run some seconds after terminate()",
        expected=[],
        observed=seen.residue.processes,
        likely=[
            "only the executor is killed, its children live on",
            "steps are not started in a process group of their own",
        ],
    )


@case("terminate-stops", cap=Cap.TERMINATE, clauses=("L4",), scenario=TERMINATED)
def stops(seen: Observation, expect: Expect) -> None:
    """No step starts after terminate(), and no killed task is tried again."""
    for task in seen.step("work"):
        facts.attempts(seen, expect, task, [0])
    for step in ("join", "end"):
        facts.absent(seen, expect, step)
    expect.equal(
        "records of attempts before and after",
        expected=seen.extra.get("entries_before"),
        observed=seen.extra.get("entries_after"),
    )


@case("terminate-twice", cap=Cap.TERMINATE, clauses=("L4",), scenario=TERMINATED)
def twice(seen: Observation, expect: Expect) -> None:
    """terminate() of a run that is over changes nothing, and does not break.

    Whoever cleans up calls it for every run, and cannot know which of them has ended meanwhile.
    """
    outcome = seen.extra.get("terminate_again", {})
    expect.true(
        "terminate() once more",
        outcome.get("result") in (True, False)
        or outcome.get("error") not in (None, "AttributeError", "TypeError", "KeyError"),
        expected="True, False, or an exception of Metaflow's",
        observed=outcome or "never tried",
        likely=["the answer of the scheduler for a run that is over is not foreseen"],
    )
    expect.equal(
        "the status after terminate(), and after the second one",
        expected=seen.final_status,
        observed=seen.extra.get("status_after"),
        likely=["the second terminate() overwrites how the run has ended"],
    )
