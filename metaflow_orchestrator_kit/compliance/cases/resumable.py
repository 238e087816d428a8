"""Cases on a failed run that is resumed: on the scheduler, and by Metaflow on this machine."""

from __future__ import annotations

from typing import Any

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance import words
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario, TaskSeen

WORD = "given-word"

RESUMED = Scenario(
    "resumed",
    "resumable",
    trigger={"word": WORD},
    script="resume_on_scheduler",
    timeout=180,
    expected=25,
)
RESUMED_LOCALLY = Scenario(
    "resumed_locally",
    "resumable",
    trigger={"word": WORD},
    script="resume_locally",
    timeout=180,
    expected=18,
)

_AGAIN = [
    "the resumed run starts every step again instead of cloning with --clone-only",
    "--clone-run-id is taken for a way to skip a task: it only notes the origin",
]


def _origin(seen: Observation, expect: Expect) -> dict[str, Any]:
    """What the failed run left to be cloned; the resumed run is another one."""
    resumed = seen.extra.get("resumed", {})
    expect.true(
        "resuming the failed run",
        "result" in resumed,
        expected="a run; on the scheduler by DeployedFlow.resume(origin_run_id=...)",
        observed=resumed or "never tried",
        likely=["the deployed flow has no method resume", "the origin's tasks are not found"],
    )
    origin: dict[str, Any] = seen.extra["origin"]
    expect.true(
        "the run to resume",
        words.is_bad(origin["status"]) and len(origin["succeeded"]) == 3,
        expected="failed, after start and two of three items of work",
        observed=origin,
    )
    expect.true(
        "the id of the resumed run",
        seen.pathspec not in (None, origin["pathspec"]),
        expected="another one than the origin's",
        observed=seen.pathspec,
    )
    return origin


def _cloned(seen: Observation, expect: Expect) -> None:
    """What had succeeded is there without having run."""
    origin = _origin(seen, expect)
    run_id = origin["pathspec"].split("/")[-1]
    tasks = [facts.one(seen, expect, "start", _AGAIN)]
    tasks += [one for one in facts.tasks(seen, expect, "work", 3) if one.index != [1]]
    for task in tasks:
        expect.equal(
            f"where {task.step}/{task.id} is cloned from, and the run in which its code ran",
            expected={
                "origin-run-id": run_id,
                "origin-task-id": origin["succeeded"].get(f"{task.step} {task.index}"),
                "code ran in": run_id,
            },
            observed={
                "origin-run-id": task.metadata.get("origin-run-id"),
                "origin-task-id": task.metadata.get("origin-task-id"),
                "code ran in": facts.own(task, "seen", "run_id"),
            },
            likely=_AGAIN,
        )
        _ran_here(seen, expect, task, times=0)


def _rest_ran(seen: Observation, expect: Expect) -> None:
    """What had not succeeded ran once, and got what was cloned."""
    _origin(seen, expect)
    mended = [one for one in facts.tasks(seen, expect, "work", 3) if one.index == [1]]
    rest = [*mended, *(facts.one(seen, expect, step) for step in ("join", "end"))]
    expect.equal("tasks that were left to do", expected=3, observed=len(rest))
    for task in rest:
        expect.equal(
            f"the run in which the code of {task.step}/{task.id} ran",
            expected=(seen.pathspec or "").split("/")[-1],
            observed=facts.own(task, "seen", "run_id"),
            likely=["a task that failed in the origin was cloned", "outputs are cached by step"],
        )
        _ran_here(seen, expect, task, times=1)
    expect.equal(
        "what 'join' got from all three items",
        expected=[[0, "ant", WORD], [1, "bee", WORD], [2, "cat", WORD]],
        observed=facts.own(facts.one(seen, expect, "join"), "joined"),
        likely=["the inputs of the join are not all of this run"],
    )
    facts.ended_well(seen, expect)


def _ran_here(seen: Observation, expect: Expect, task: TaskSeen, times: int) -> None:
    """How often the user's code left a record in the resumed run, where records are kept."""
    run_id = (seen.pathspec or "").split("/")[-1]
    if seen.ledger:
        records = [e for e in seen.entries(task.step) if e.get("run_id") == run_id]
        expect.equal(
            f"how often the code of {task.step}/{task.id} ran in the resumed run",
            expected=times,
            observed=len([e for e in records if e.get("task_id") == task.id]),
            likely=_AGAIN if times == 0 else [],
        )


@case("resume-clones", cap=Cap.RESUME, clauses=("N2", "N3"), scenario=RESUMED)
def clones(seen: Observation, expect: Expect) -> None:
    """A resumed run clones the tasks that had succeeded; their code does not run again.

    Code that runs again has its side effects again: a mail is sent twice, a table filled twice.
    """
    _cloned(seen, expect)


@case("resume-runs-the-rest", cap=Cap.RESUME, clauses=("N3", "N6"), scenario=RESUMED)
def runs_the_rest(seen: Observation, expect: Expect) -> None:
    """A resumed run runs the failed item and all that follows, with the code as deployed now."""
    _rest_ran(seen, expect)


@case("resume-keeps-parameters", cap=Cap.RESUME, clauses=("N4",), scenario=RESUMED)
def keeps_parameters(seen: Observation, expect: Expect) -> None:
    """A resumed run has the parameters of its origin, whatever the defaults are by now."""
    _origin(seen, expect)
    expect.equal(
        "parameter 'word' in the _parameters task of the resumed run",
        expected={"result": WORD},
        observed=seen.extra.get("parameters"),
        likely=["init of the resumed run takes the defaults"],
    )
    expect.equal(
        "parameter 'word' in 'end'",
        expected=WORD,
        observed=facts.own(facts.one(seen, expect, "end"), "got"),
        likely=["init of the resumed run takes the defaults", "_parameters is not cloned"],
    )


@case("resume-unknown-step", cap=Cap.RESUME, clauses=("N6",), scenario=RESUMED)
def unknown_step(seen: Observation, expect: Expect) -> None:
    """Resuming from a step that the flow does not have is refused, before a run starts."""
    outcome = seen.extra.get("unknown_step", {})
    expect.true(
        "resume(step_to_rerun='no_such_step')",
        outcome.get("error") not in (None, "AttributeError", "NotImplementedError"),
        expected="an exception",
        observed=outcome,
        likely=["the step is not looked up in the graph that is deployed now"],
    )


@case("resume-twice", cap=Cap.RESUME, clauses=("E1", "N5"), scenario=RESUMED)
def twice(seen: Observation, expect: Expect) -> None:
    """A run that is resumed twice at one time leads to two runs, each with an id of its own.

    Where the new id follows from the origin's, both calls are one run: two processes clone the
    same tasks and overwrite what the other one wrote. What each of them has to clone and to run is
    asked of the first; the other one does the same.
    """
    origin = _origin(seen, expect)
    outcome = seen.extra.get("resumed_again", {})
    again = outcome.get("result", {})
    ids = [str(one).rpartition("/")[2] for one in (seen.pathspec, again.get("pathspec", outcome))]
    expect.true(
        "ids of the two runs that were resumed",
        "result" in outcome and len({*ids, origin["pathspec"].rpartition("/")[2]}) == 3,
        expected="two, and neither is the origin's",
        observed=ids,
        likely=["the id of a resumed run follows from the id of its origin"],
    )
    expect.true(
        "the kind of both ids",
        not any(one.isdigit() for one in ids),
        expected="no integers, which Metaflow's own runs have",
        observed=ids,
    )
    own = [task for task in seen.tasks if task.artifacts.get("seen", {}).get("run_id") == ids[0]]
    expect.equal(
        "outcome of the other run, and what ran in it",
        expected={
            "successful": seen.run is not None and seen.run.successful,
            "ran": sorted(f"{task.step} {task.index}" for task in own),
        },
        observed={key: again.get(key) for key in ("successful", "ran")},
        likely=["both runs clone and write under one id"],
    )


@case("resume-locally", cap=Cap.FOREACH, clauses=("N1",), scenario=RESUMED_LOCALLY)
def locally(seen: Observation, expect: Expect) -> None:
    """`flow.py resume` on this machine clones what a failed run finished, and does the rest.

    Metaflow finds tasks to clone by their foreach indices and parents: where these are not as its
    own runtime would write them, every task runs again.
    """
    _cloned(seen, expect)
    _rest_ran(seen, expect)
