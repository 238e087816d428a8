"""Reads a run through the Metaflow client: what any user of the flow can see of it."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from metaflow_orchestrator_kit.compliance.model import RunSeen, TaskSeen

_LONGEST_LOG = 200_000


def begun(flow: str) -> str | None:
    """The pathspec of the latest run of a flow; None where there is none."""
    from metaflow import Flow, namespace

    namespace(None)
    latest = _or_none(lambda: Flow(flow).latest_run)
    return None if latest is None else str(latest.pathspec)


def read_run(pathspec: str) -> tuple[RunSeen, list[TaskSeen]]:
    """The run and all its tasks.

    Raises:
        metaflow.exception.MetaflowNotFound: there is no such run.
    """
    from metaflow import Run, Step, namespace

    namespace(None)
    run = Run(pathspec, _namespace_check=False)
    seen = RunSeen(
        id=run.id,
        user_tags=sorted(run.user_tags),
        system_tags=sorted(run.system_tags),
        successful=bool(run.successful),
        finished=bool(run.finished),
        parameters_tasks=_or_none(
            lambda: sorted(task.id for task in Step(f"{pathspec}/_parameters"))
        )
        or [],
    )
    tasks = [_task(task, step.id) for step in run for task in step]
    return seen, sorted(tasks, key=lambda task: task.created_at or 0.0)


def _task(task: Any, step: str) -> TaskSeen:
    fields = sorted(task.metadata, key=lambda one: one.created_at)
    latest = {item.name: str(item.value) for item in fields}
    return TaskSeen(
        step=step,
        id=task.id,
        index=_index(task),
        attempts=_attempts(fields),
        current_attempt=_or_none(lambda: int(task.current_attempt)),
        successful=bool(task.successful),
        finished=bool(task.finished),
        exception=_or_none(lambda: None if task.exception is None else str(task.exception)),
        artifacts=_artifacts(task),
        stdout=(_or_none(lambda: str(task.stdout)) or "")[:_LONGEST_LOG],
        stderr=(_or_none(lambda: str(task.stderr)) or "")[:_LONGEST_LOG],
        metadata=latest,
        tags=sorted(task.tags),
        parents=_or_none(lambda: sorted(_short(path) for path in task.parent_task_pathspecs)),
        created_at=_or_none(lambda: task.created_at.timestamp()),
        finished_at=_or_none(lambda: task.finished_at.timestamp()),
        attempt_times=_or_none(lambda: _attempt_times(fields)) or [],
    )


def _attempts(fields: list[Any]) -> list[int]:
    """The number of each attempt that started, in order.

    A task whose id is not an integer registers its attempt twice, once with the id and once
    at its beginning; only the latter comes together with the run that it originates from.
    """
    numbers = [item for item in fields if item.name == "attempt" and str(item.value).isdigit()]
    starts = [item.created_at for item in fields if item.name == "origin-run-id"]
    if not numbers or not starts:
        return sorted({int(item.value) for item in numbers})
    return [int(_nearest(numbers, at).value) for at in starts]


def _attempt_times(fields: list[Any]) -> list[tuple[int, float, float | None, bool | None]]:
    """When each attempt started and ended, and how; an end belongs to the start before it.

    The client gives the times of metadata in milliseconds.
    """
    numbers = [item for item in fields if item.name == "attempt" and str(item.value).isdigit()]
    starts = [item.created_at for item in fields if item.name == "origin-run-id"]
    found: list[tuple[int, float, float | None, bool | None]] = []
    for at, following in zip(starts, [*starts[1:], None], strict=True):
        end = next(
            (
                item
                for item in fields
                if item.name == "attempt_ok"
                and item.created_at >= at
                and (following is None or item.created_at <= following)
            ),
            None,
        )
        number = int(_nearest(numbers, at).value)
        if end is None:
            found.append((number, at / 1000, None, None))
        else:
            good = str(end.value) == "True"
            found.append((number, at / 1000, end.created_at / 1000, good))
    return found


def _nearest(items: list[Any], at: Any) -> Any:
    return min(items, key=lambda item: abs(item.created_at - at))


def _short(pathspec: str) -> str:
    """``run/step/task`` of a pathspec with or without the flow."""
    return "/".join(pathspec.split("/")[-3:])


def _or_none(read: Any) -> Any:
    """What a property of the client gives; None where it cannot (a task that died early)."""
    with contextlib.suppress(Exception):
        return read()
    return None


def _index(task: Any) -> list[int]:
    stack = _or_none(lambda: task["_foreach_stack"].data) or []
    return [int(frame.index) for frame in stack]


def _artifacts(task: Any) -> dict[str, Any]:
    """Every artifact without a leading underscore, as JSON."""
    values: dict[str, Any] = {}
    for artifact in _or_none(lambda: list(task)) or []:
        if not artifact.id.startswith("_"):
            try:
                values[artifact.id] = plain(artifact.data)
            except Exception as error:  # a value that cannot be loaded is something seen
                values[artifact.id] = {"repr": f"<not loaded: {type(error).__name__}: {error}>"}
    return values


def plain(value: Any) -> Any:
    """The value where JSON gives it back unchanged (tuples as lists), else its repr."""
    try:
        if _lists(value) == json.loads(json.dumps(value)):
            return _lists(value)
    except (TypeError, ValueError):
        pass
    return {"repr": repr(value)[:2000]}


def _lists(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_lists(item) for item in value]
    if type(value) is dict:
        return {key: _lists(item) for key, item in value.items()}
    return value
