"""What several cases ask of an observation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any

from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, TaskSeen
from metaflow_orchestrator_kit.compliance.words import FAILED, is_bad, is_good


def tasks(
    seen: Observation, expect: Expect, step: str, count: int, likely: Sequence[str] = ()
) -> list[TaskSeen]:
    """The tasks of a step, as many as there have to be, by their foreach index."""
    found = seen.step(step)
    expect.equal(
        f"number of tasks of step '{step}' ({', '.join(task.id for task in found) or 'none'})",
        expected=count,
        observed=len(found),
        likely=[*likely, _how_it_ended(seen)],
    )
    return found


def one(seen: Observation, expect: Expect, step: str, likely: Sequence[str] = ()) -> TaskSeen:
    """The only task of a step."""
    return tasks(seen, expect, step, 1, likely)[0]


def absent(seen: Observation, expect: Expect, step: str, likely: Sequence[str] = ()) -> None:
    """The step must have no task at all."""
    tasks(seen, expect, step, 0, likely)


def once(seen: Observation, expect: Expect, *steps: str) -> None:
    """Every one of the steps ran as one task, in one attempt, and succeeded."""
    for step in steps:
        task = one(seen, expect, step)
        attempts(seen, expect, task, [0])
        expect.true(
            f"task {step}/{task.id}",
            task.successful and task.finished,
            expected="successful and finished",
            observed=f"successful={task.successful}, finished={task.finished}: {task.exception}",
        )


def own(task: TaskSeen, name: str, field: str | None = None) -> Any:
    """An artifact, or a field of it, that this very task wrote; says so where there is none.

    ``seen`` is written by every step: one that came from the step before is not this step's.
    """
    witness = task.artifacts.get("seen")
    mine = isinstance(witness, dict) and witness.get("step") == task.step
    if not mine:
        return f"<the user code of '{task.step}' left no record>"
    value = task.artifacts.get(name, f"<no artifact '{name}'>")
    if field is None:
        return value
    return value.get(field, f"<no '{field}' in {name}>") if isinstance(value, dict) else value


def registered(task: TaskSeen) -> list[int]:
    """The attempts of a task in order; one that several decorators registered counts once."""
    return [number for number, _ in groupby(task.attempts)]


def attempts(
    seen: Observation,
    expect: Expect,
    task: TaskSeen,
    expected: list[int],
    *,
    user_code: list[int] | None = None,
    likely: Sequence[str] = (),
) -> None:
    """The task's attempts, and the ones in which the user's code ran (all, if not given).

    The first are what Metaflow registered; the second come from the flow's ledger, where the
    scheduler's tasks can reach it: that an attempt's code ran twice is seen there.
    """
    what = f"attempts of task {task.step}/{task.id}"
    expect.equal(
        f"{what}, in order, as Metaflow registered them",
        expected=expected,
        observed=registered(task),
        likely=likely,
    )
    if seen.ledger:
        ran = [entry["attempt"] for entry in seen.entries(task.step) if entry["task_id"] == task.id]
        expect.equal(
            f"{what} that ran the user's code, by current.retry_count",
            expected=expected if user_code is None else user_code,
            observed=ran,
            likely=likely,
        )


def no_error(
    seen: Observation,
    expect: Expect,
    likely: Sequence[str],
    *,
    way: str = "to the end of the run",
    unseen: bool = False,
    phases: Collection[str] = (),
) -> None:
    """Nothing that was called on the way has raised.

    Where the run may end ``unseen``, before Metaflow knows it, that it cannot be read is right.
    What is ``likely`` may be so in some ``phases`` only.
    """
    error = None if unseen and seen.error and seen.error.phase == "read" else seen.error
    if error is not None and phases and error.phase not in phases:
        likely = [f"see output.log in the evidence; the phase was '{error.phase}'"]
    expect.equal(
        f"error on the way {way}",
        expected=None,
        observed=None if error is None else f"{error.phase}: {error.message}",
        likely=likely,
    )


def ended_badly(seen: Observation, expect: Expect, likely: Sequence[str] = ()) -> None:
    """The run failed, for the scheduler."""
    expect.true(
        "the final status",
        is_bad(seen.final_status),
        expected=f"one of {', '.join(sorted(FAILED))}",
        observed=seen.final_status,
        likely=likely,
    )


def ended_well(seen: Observation, expect: Expect, likely: Sequence[str] = ()) -> None:
    """The run succeeded, for the scheduler and for Metaflow."""
    expect.true(
        "the final status of the run",
        is_good(seen.final_status) or seen.final_status is None,
        expected="succeeded, in the scheduler's word",
        observed=seen.final_status,
        likely=[*likely, _how_it_ended(seen)],
    )
    expect.true(
        "Run.successful of Metaflow's client",
        seen.run is not None and seen.run.successful,
        expected=True,
        observed=None if seen.run is None else seen.run.successful,
        likely=[*likely, _how_it_ended(seen)],
    )


def stopped_at(seen: Observation) -> TaskSeen | None:
    """The task at which a run that did not succeed came to its end; None where none failed.

    One of which another try succeeded, be it under another id, is not meant.
    """
    if seen.run is not None and seen.run.successful:
        return None
    done = {(task.step, *task.index) for task in seen.tasks if task.successful}
    failed = [
        task for task in seen.tasks if not task.successful and (task.step, *task.index) not in done
    ]
    return max(failed, key=lambda task: task.created_at or 0.0, default=None)


def _how_it_ended(seen: Observation) -> str:
    """One line that says where the run went wrong, if it did."""
    last = stopped_at(seen)
    if last is None:
        return f"no task failed; the final status was {seen.final_status}"
    reason = (last.exception or "its process ended without an exception").strip().splitlines()[-1]
    return f"the run stopped at {last.step}/{last.id}, attempts {last.attempts}: {reason}"
