"""Right observations of runs beside each other, and of runs that end early."""

from __future__ import annotations

from typing import Any

from made import RUN, observed, task, with_ledger

from metaflow_orchestrator_kit.compliance.model import Failure, Observation


def _single() -> Observation:
    def run(pathspec: str, *steps: str) -> dict[str, Any]:
        tasks = [f"{step} 1" for step in steps]
        return {"result": {"pathspec": pathspec, "successful": True, "tasks": tasks}}

    runs = [run("MokOther/sched-01", "begin", "finish"), run("MokFlow/sched-02", "only")]
    runs.append(run("MokLong-a/sched-03", "begin", "finish"))
    twins = [
        {"result": {"name": f"mok-long-{end}1", "flow_name": f"MokLong-{end}"}} for end in "ab"
    ]
    extra = {
        "twins": twins,
        "other": {"name": "MokOther-name", "flow_name": "MokOther"},
        "runs": runs,
        "changed": {"variables": [], "working directory": []},
    }
    only = task("only", artifacts={"answer": 42})
    return observed(only, extra=extra)


def _cut_off() -> Observation:
    said = {"error": "RuntimeError", "message": "The scheduler at nowhere:1 does not answer."}
    settings = {"METAFLOW_SCHED_HOST": "nowhere:1"}
    return observed(extra={"settings": settings, "create": said, "trigger": said})


def _often() -> Observation:
    runs = [f"MokFlow/sched-{number:02}" for number in range(50)]
    return observed(task("only"), extra={"runs": runs})


def _wide() -> Observation:
    width = range(1000)
    items = [task("body", index=[i], artifacts={"got": i}) for i in width]
    return observed(
        task("start"), *items, task("join", artifacts={"joined": list(width)}), task("end")
    )


def _renamed() -> Observation:
    extra: dict[str, Any] = {
        "listed_all": {"result": ["MokFlow-name", "Another"]},
        "listed_flow": {"result": ["MokFlow-name"]},
        "listed_other": {"result": []},
        "found_run": {"result": {"pathspec": f"MokFlow/{RUN}", "status": "SUCCEEDED"}},
        "unknown": {"error": "MetaflowException", "message": "There is no no-such-deployment."},
        "foreign_run": {"error": "MetaflowException", "message": "no run of this scheduler"},
        "delete": {"result": True},
        "found_after_delete": {"error": "MetaflowException", "message": "There is none."},
        "delete_again": {"result": False},
    }
    finish = task("finish", artifacts={"trail": ["begin", "finish"]})
    return observed(task("begin"), finish, extra=extra)


def _unready() -> Observation:
    error = Failure("read", "MetaflowNotFound", "no such run")
    return observed(good=False, error=error, run=None, run_visible_after=None)


def _nothing() -> Observation:
    said = "InvalidNextException: Foreach iterator over 'items' is empty in step start"
    broken = task("start", successful=False, finished=False, exception=said)
    return with_ledger(observed(broken, good=False))


GOOD_DEPLOYMENTS: dict[str, Observation] = {
    "renamed": _renamed(),
    "single": _single(),
    "single_cut_off": _cut_off(),
    "single_often": _often(),
    "wide": _wide(),
    "unready": _unready(),
    "nothing": _nothing(),
}
