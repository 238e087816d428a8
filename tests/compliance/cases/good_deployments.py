"""Right observations of runs beside each other, and of runs that end early."""

from __future__ import annotations

from typing import Any

from made import observed, task, with_ledger

from metaflow_orchestrator_kit.compliance.model import Failure, Observation


def _single() -> Observation:
    def run(pathspec: str, *steps: str) -> dict[str, Any]:
        tasks = [f"{step} 1" for step in steps]
        return {"result": {"pathspec": pathspec, "successful": True, "tasks": tasks}}

    runs = [run("MokOther/sched-01", "begin", "finish"), run("MokFlow/sched-02", "only")]
    extra = {
        "other": {"name": "MokOther-name", "flow_name": "MokOther"},
        "runs": runs,
        "changed": {"variables": [], "working directory": []},
    }
    return observed(task("only", artifacts={"answer": 42}), extra=extra)


def _unready() -> Observation:
    error = Failure("read", "MetaflowNotFound", "no such run")
    return observed(good=False, error=error, run=None, run_visible_after=None)


def _nothing() -> Observation:
    said = "InvalidNextException: Foreach iterator over 'items' is empty in step start"
    broken = task("start", successful=False, finished=False, exception=said)
    return with_ledger(observed(broken, good=False))


GOOD_DEPLOYMENTS: dict[str, Observation] = {
    "single": _single(),
    "unready": _unready(),
    "nothing": _nothing(),
}
