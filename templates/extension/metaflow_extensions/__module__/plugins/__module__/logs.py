"""What tasks have printed, from where Metaflow stores it (clause L5).

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .progress import attempts_of


def lines_of(spec: str, which: str, attempt: int | None, stream: str) -> Iterator[str]:
    """What the tasks of a step have printed, line by line.

    Args:
        spec: the run, as `flow/run`.
        which: a step, or one of its tasks as `step/task`.
        attempt: which attempt; None for the last one of each task.
        stream: `stdout` or `stderr`.

    Raises:
        ValueError: there is no such task, or it has no such attempt.
    """
    step, _, task_id = which.partition("/")
    tasks = _tasks(spec, step, task_id)
    # Which task a line is from needs saying only when there are several.
    several = len(tasks) > 1
    for task in tasks:
        number = _attempt(task, attempt, several)
        if number is None:
            continue
        for _, line in _at(task, number).loglines(stream):
            yield f"[{task.id}] {line}" if several else line


def _tasks(spec: str, step: str, task_id: str) -> list[Any]:
    from metaflow import Run, Step, Task, namespace
    from metaflow.exception import MetaflowException, MetaflowNotFound

    namespace(None)
    try:
        if task_id:
            return [Task(f"{spec}/{step}/{task_id}")]
        return sorted(Step(f"{spec}/{step}"), key=lambda task: _place(task.id))
    except MetaflowNotFound as error:
        try:
            begun = sorted({one.id for one in Run(spec)})
        except MetaflowNotFound:
            begun = []
        known = f"Steps that have begun: {', '.join(begun)}." if begun else "No step has begun."
        what = f"task {step}/{task_id}" if task_id else f"step {step}"
        raise ValueError(f"There is no {what} in {spec} yet. {known}") from error
    except MetaflowException as error:
        raise ValueError(str(error)) from error


def _place(task_id: str) -> list[tuple[int, str]]:
    """Sorts tasks by their foreach indices, of which their ids are made; item 10 after item 9."""
    return [(int(part) if part.isdecimal() else -1, part) for part in task_id.split("-")]


def _attempt(task: Any, wanted: int | None, several: bool) -> int | None:
    """Which attempt of a task to print; None for a task that has not had it."""
    made = [attempt.number for attempt in attempts_of(task.metadata)]
    if wanted is None:
        return made[-1] if made else None
    if wanted in made:
        return wanted
    if several:
        return None
    had = f"{made[0]} to {made[-1]}" if made else "none"
    raise ValueError(f"{task.pathspec} has no attempt {wanted}; attempts so far: {had}.")


def _at(task: Any, attempt: int) -> Any:
    from metaflow import Task

    return Task(task.pathspec, attempt=attempt)
