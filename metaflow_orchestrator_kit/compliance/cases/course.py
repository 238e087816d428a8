"""How far a run came, and under which ids: what cannot be judged for another case's fault."""

from __future__ import annotations

from collections.abc import Sequence

from metaflow_orchestrator_kit.compliance import words
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Blocked, Expect
from metaflow_orchestrator_kit.compliance.model import Observation, TaskSeen

SAME_TASK = "retry-same-task"
"""The case that is red where each attempt is a task of its own."""


def reached(seen: Observation, step: str, see: str) -> None:
    """The run came as far as that step, or went past it.

    Args:
        see: the case that tells of what comes before the step.

    Raises:
        Blocked: the run stopped at a step before it.
    """
    last = facts.stopped_at(seen)
    if seen.step(step):
        return
    if last is not None:
        raise Blocked(f"the run stopped at step '{last.step}', before '{step}'; see '{see}'")
    if words.is_bad(seen.final_status):
        raise Blocked(f"the run ended as {seen.final_status}, before '{step}'; see '{see}'")


def one_id(seen: Observation, step: str) -> None:
    """A step outside of any foreach has one task, however often it was tried.

    Raises:
        Blocked: each attempt is a task of its own.
    """
    if _split(seen, step):
        raise Blocked(f"each attempt of '{step}' is a task of its own; see '{SAME_TASK}'")


def numbered(
    seen: Observation, expect: Expect, step: str, expected: list[int], *, likely: Sequence[str] = ()
) -> None:
    """Where each attempt is a task of its own: they are counted all the same."""
    if found := _split(seen, step):
        expect.equal(
            f"attempts of step '{step}', of its {len(found)} tasks, as Metaflow registered them",
            expected=expected,
            observed=[number for task in found for number in facts.registered(task)],
            likely=likely,
        )


def tried(
    seen: Observation,
    expect: Expect,
    step: str,
    expected: list[int],
    *,
    user_code: list[int] | None = None,
    likely: Sequence[str] = (),
) -> TaskSeen:
    """The only task of a step outside of any foreach, with exactly these attempts.

    Raises:
        Blocked: each attempt is a task of its own, so that only how many there are can be judged.
    """
    if found := _split(seen, step):
        expect.equal(
            f"number of attempts of step '{step}', each of which is a task of its own",
            expected=len(expected),
            observed=len(found),
            likely=likely,
        )
    one_id(seen, step)
    task = facts.one(seen, expect, step, likely)
    facts.attempts(seen, expect, task, expected, user_code=user_code, likely=likely)
    return task


def _split(seen: Observation, step: str) -> list[TaskSeen]:
    """The tasks of a step that look like the attempts of one: all but the last have failed."""
    found = seen.step(step)
    return found if len(found) > 1 and not any(task.successful for task in found[:-1]) else []
