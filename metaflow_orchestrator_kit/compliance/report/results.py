"""Every case's result: what was noted while the suite ran, and the plan for the rest."""

from __future__ import annotations

import json
from pathlib import Path

from metaflow_orchestrator_kit.compliance.select import Fate, Plan
from metaflow_orchestrator_kit.compliance.verdict import Result, Verdict


def gather(plan: Plan, noted: Path) -> list[Result]:
    """One result per case, in the order of the plan; what was not noted did not run."""
    known = {result.case: result for result in _read(noted)}
    results = []
    for planned in plan.planned:
        match planned.fate:
            case Fate.DISABLED:
                result = Result.of(planned.case, Verdict.DISABLED, message=planned.reason)
            case Fate.NOT_SELECTED:
                result = Result.of(
                    planned.case, Verdict.NOT_RUN, message=planned.reason, selected=False
                )
            case Fate.RUN | Fate.PROBE:
                result = known.get(planned.case.id) or Result.of(
                    planned.case, Verdict.NOT_RUN, message="the suite ended before it was judged"
                )
        results.append(result)
    return results


def _read(noted: Path) -> list[Result]:
    try:
        lines = noted.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    results = []
    for line in lines:
        try:
            results.append(Result.from_json(json.loads(line)))
        except ValueError:
            continue  # the last line of a run that was killed
    return results
