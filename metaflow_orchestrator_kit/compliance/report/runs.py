"""What the lab observed, as far as a report shows it: the runs with their tasks and attempts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.compliance.evidence import laid_out
from metaflow_orchestrator_kit.compliance.lab.settings import read_json
from metaflow_orchestrator_kit.compliance.model import Observation, TaskSeen
from metaflow_orchestrator_kit.compliance.select import Plan

_LAST_LINES = 30
_LONGEST_LINE = 300


def runs(plan: Plan, evidence: Path) -> list[dict[str, Any]]:
    """One entry per scenario that was observed, in the order of the plan.

    Args:
        plan: names the scenarios.
        evidence: the folder of the lab, with its ``observations``.

    Times are seconds since the first attempt of the run.
    """
    scenarios = {one.case.scenario.id: one.case.scenario for one in plan.planned}
    found = []
    for name, scenario in scenarios.items():
        seen = _observation(evidence / "observations" / f"{name}.json")
        if seen is not None:
            folder = evidence / "scenarios" / name
            found.append(
                {
                    "scenario": name,
                    "flow": scenario.flow,
                    **_run(seen),
                    "files": [f"evidence/scenarios/{name}/{one}" for one in laid_out(folder)],
                }
            )
    return found


def _observation(file: Path) -> Observation | None:
    content = read_json(file)
    try:
        return None if content is None else Observation.from_json(content)
    except ValueError:
        return None


def _run(seen: Observation) -> dict[str, Any]:
    starts = [start for task in seen.tasks for _, start, _, _ in task.attempt_times]
    zero = min(starts, default=0.0)
    return {
        "deployment": seen.deployment.name if seen.deployment else None,
        "pathspec": seen.pathspec,
        "status": seen.final_status,
        "statuses": [[round(at, 2), status] for at, status in seen.statuses],
        "error": f"{seen.error.phase}: {seen.error.type}: {seen.error.message}"[:2000]
        if seen.error
        else None,
        "tasks": [_task(task, zero) for task in seen.tasks],
        "output": "\n".join(_last(seen.output)),
    }


def _task(task: TaskSeen, zero: float) -> dict[str, Any]:
    return {
        "step": task.step,
        "id": task.id,
        "index": task.index,
        "attempts": [
            {
                "number": number,
                "start": round(start - zero, 3),
                "end": None if end is None else round(end - zero, 3),
                "successful": good,
            }
            for number, start, end, good in task.attempt_times
        ],
    }


def _last(output: str) -> Iterator[str]:
    for line in output.strip().splitlines()[-_LAST_LINES:]:
        yield line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + "…"
