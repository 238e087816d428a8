"""Makes observations by hand: what a lab would have seen of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from metaflow_orchestrator_kit.compliance.model import (
    Deployment,
    Observation,
    RunSeen,
    TaskSeen,
)

RUN = "sched-7f"


def task(
    step: str,
    *,
    id: str = "",
    index: Iterable[int] = (),
    attempts: Iterable[int] = (0,),
    seen: dict[str, Any] | None = None,
    artifacts: dict[str, Any] | None = None,
    ran: bool = True,
    **fields: Any,
) -> TaskSeen:
    """A task that succeeded, unless fields say otherwise; ``seen`` adds to its own record."""
    path, numbers = list(index), list(attempts)
    identifier = id or "-".join(["t", step, *map(str, path)])
    record = {
        "step": step,
        "run_id": RUN,
        "task_id": identifier,
        "attempt": numbers[-1],
        **(seen or {}),
    }
    defaults: dict[str, Any] = {
        "current_attempt": numbers[-1],
        "successful": True,
        "finished": True,
        "exception": None,
        "stdout": "",
        "stderr": "",
        "metadata": {},
        "tags": [],
        "parents": None,
        "created_at": None,
        "finished_at": None,
    }
    return TaskSeen(
        step=step,
        id=identifier,
        index=path,
        attempts=numbers,
        artifacts={**(artifacts or {}), **({"seen": record} if ran else {})},
        **{**defaults, **fields},
    )


def observed(
    *tasks: TaskSeen,
    good: bool = True,
    flow: str = "MokFlow",
    user_tags: Iterable[str] = (),
    system_tags: Iterable[str] = (),
    **fields: Any,
) -> Observation:
    """A run with these tasks, seen to its end."""
    return Observation(
        scenario="made",
        **{
            "deployment": Deployment(f"{flow}-name", flow, "local@/root"),
            "seconds": {"trigger": 1.5, "deploy": 2.0},
            "pathspec": f"{flow}/{RUN}",
            "statuses": [(0.1, "RUNNING"), (6.0, "SUCCEEDED" if good else "FAILED")],
            "run_visible_after": 1.0,
            "terminal_after": 6.0,
            "final_status": "SUCCEEDED" if good else "FAILED",
            "run": RunSeen(RUN, list(user_tags), list(system_tags), good, good, ["t-start-params"]),
            "tasks": list(tasks),
            **fields,
        },
    )


def with_ledger(seen: Observation, user_code: dict[str, list[int]] | None = None) -> Observation:
    """The observation with a record of every attempt; ``user_code`` says it for some steps."""
    ledger = [
        {"step": one.step, "task_id": one.id, "attempt": attempt, "event": "ran"}
        for one in seen.tasks
        for attempt in (user_code or {}).get(one.step, one.attempts)
    ]
    return replace(seen, ledger=ledger)


Change = Callable[[Observation], Observation]


@dataclass(frozen=True, slots=True)
class Broken:
    """A change to the right observation that the case must not let pass."""

    case: str
    what: str
    change: Change
    says: str


def of_step(step: str, **fields: Any) -> Change:
    """Change fields of all tasks of a step."""

    def change(seen: Observation) -> Observation:
        tasks = [replace(one, **fields) if one.step == step else one for one in seen.tasks]
        return replace(seen, tasks=tasks)

    return change


def artifact(step: str, name: str, value: Any) -> Change:
    """Give an artifact of a step another value."""

    def change(seen: Observation) -> Observation:
        tasks = [
            replace(one, artifacts={**one.artifacts, name: value}) if one.step == step else one
            for one in seen.tasks
        ]
        return replace(seen, tasks=tasks)

    return change


def record(step: str, name: str, value: Any) -> Change:
    """Change a field of what the tasks of a step saw of themselves."""

    def change(seen: Observation) -> Observation:
        for one in seen.step(step):
            own = {**one.artifacts["seen"], name: value}
            seen = artifact(step, "seen", own)(seen)
        return seen

    return change


def entry(step: str, name: str, key: str, value: Any) -> Change:
    """Change one key of an artifact that is a mapping."""

    def change(seen: Observation) -> Observation:
        found = seen.step(step)[0].artifacts[name]
        return artifact(step, name, {**found, key: value})(seen)

    return change


def without(step: str) -> Change:
    """Take the tasks of a step away."""

    def change(seen: Observation) -> Observation:
        return replace(seen, tasks=[one for one in seen.tasks if one.step != step])

    return change


def plus(*tasks: TaskSeen) -> Change:
    """Add tasks."""

    def change(seen: Observation) -> Observation:
        return replace(seen, tasks=[*seen.tasks, *tasks])

    return change


def of_run(**fields: Any) -> Change:
    """Change fields of the run."""

    def change(seen: Observation) -> Observation:
        assert seen.run is not None
        return replace(seen, run=replace(seen.run, **fields))

    return change


def overall(**fields: Any) -> Change:
    """Change fields of the observation itself."""

    def change(seen: Observation) -> Observation:
        return replace(seen, **fields)

    return change


def extra(key: str, value: Any) -> Change:
    """Change one thing that a special action saw."""

    def change(seen: Observation) -> Observation:
        return replace(seen, extra={**seen.extra, key: value})

    return change
