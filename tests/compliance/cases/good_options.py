"""Right observations of what an orchestrator need not be able to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from made import RUN, observed, task, with_ledger
from packages import packaged

from metaflow_orchestrator_kit.compliance.model import Observation

TOKEN = "mokowned-0-abcd"


def _owned() -> Observation:
    namespace = f"production:{TOKEN}"
    token = {"result": TOKEN}
    extra: dict[str, Any] = {
        "token": token,
        "redeploy": {"error": "DeployerError", "message": "Incorrect production token."},
        "terminate": {"result": False},
        "delete": {"error": "MetaflowException", "message": "not yours"},
        "token_after_refusals": token,
        "authorized": {"result": "MokFlow-name"},
        "token_after_redeploy": token,
    }
    inside = {"client_namespace": namespace}
    tasks = [task(step, artifacts=inside) for step in ("start", "hold", "end")]
    return observed(*tasks, system_tags=[namespace], extra=extra)


def _hooked(*hooks: str, good: bool) -> Observation:
    broken = {"successful": False, "finished": False}
    tasks = [task("start"), task("end")] if good else [task("start", **broken)]
    status = "SUCCEEDED" if good else "FAILED"
    seen = observed(*tasks, good=good, extra={"status_after_hooks": status})
    steps = [
        {"step": one.step, "task_id": one.id, "attempt": 0, "event": "ran", "time": 1.0}
        for one in tasks
    ]
    calls = [
        {"hook": hook, "time": 7.0, "successful": good, "pathspec": f"MokFlow/{RUN}"}
        for hook in hooks
    ]
    seen.ledger.extend([*steps, *calls])
    return seen


ORIGIN = "sched-00"


def _isolated(others: str) -> Observation:
    """Steps that tell the version of a package, which is 1.1.1 in the middle one."""
    found = {"start": others, "built": "1.1.1", "end": others}
    attempts = {"built": (0, 1)}
    tasks = [
        task(step, attempts=attempts.get(step, (0,)), artifacts={"version": version})
        for step, version in found.items()
    ]
    seen = with_ledger(observed(*tasks))
    told = [{**entry, "event": found[entry["step"]]} for entry in seen.ledger]
    return replace(seen, ledger=told)


def _resumed(*, locally: bool) -> Observation:
    """Three tasks cloned, three that ran; a local run has no status and counts its tasks."""
    cloned = {"seen": {"run_id": ORIGIN}}
    items = ["ant", "bee", "cat"]
    done = [[i, item, "given-word"] for i, item in enumerate(items)]
    ids = {"start []": "t-start", "work [0]": "t-work-0", "work [2]": "t-work-2"}

    def origin(place: str) -> dict[str, str]:
        return {"origin-run-id": ORIGIN, "origin-task-id": ids[place]}

    tasks = [
        task("start", metadata=origin("start []"), **cloned),
        task("work", index=[0], metadata=origin("work [0]"), **cloned),
        task("work", index=[1], artifacts={"done": done[1]}),
        task("work", index=[2], metadata=origin("work [2]"), **cloned),
        task("join", artifacts={"joined": done}),
        task("end", artifacts={"got": "given-word"}),
    ]
    extra: dict[str, Any] = {
        "origin": {"pathspec": f"MokFlow/{ORIGIN}", "status": "FAILED", "succeeded": ids},
        "resumed": {"result": f"MokFlow/{RUN}"},
        "parameters": {"result": "given-word"},
        "resumed_again": {
            "result": {
                "pathspec": "MokFlow/sched-again",
                "successful": True,
                "ran": ["end []", "join []", "work [1]"],
            }
        },
        "unknown_step": {"error": "RuntimeError", "message": "no step 'no_such_step'"},
    }
    seen = observed(*tasks, extra=extra, **({"final_status": None} if locally else {}))
    records = [("start", "t-start", ORIGIN), *(("work", f"t-work-{i}", ORIGIN) for i in range(3))]
    records += [(step, f"t-{step}", RUN) for step in ("work-1", "join", "end")]
    for step, task_id, run in records:
        entry = {"step": step.split("-")[0], "task_id": task_id, "run_id": run, "attempt": 0}
        seen.ledger.append(entry)
    return seen


def _scheduled() -> Observation:
    extra: dict[str, Any] = {
        "required": {"error": "RuntimeError", "message": "Parameter limit is required."},
        "unscheduled": {"result": "MokFlow-name"},
        "zoned": {"result": "MokFlowZoned-name"},
        "zoned_spare": 70.0,
        "zoned_runs": ["MokFlowZoned/1"],
        "runs": [f"MokFlow/{RUN}"],
        "runs_after": [],
    }
    tasks = [task("start"), task("end", artifacts={"got": 3})]
    return observed(*tasks, extra=extra, final_status=None)


def _evented() -> Observation:
    stored = '[{"name": "mok.MokFlow", "type": "event", "id": "1", "timestamp": 1}]'
    tasks = [
        task(
            "start",
            artifacts={"got": "it's $HOME"},
            metadata={"execution-triggers": stored},
        ),
        task("middle", artifacts={"started": [["mok.MokFlow", "event"]]}),
        task("end"),
    ]
    extra = {
        "emit": {"code": 0, "said": ""},
        "event": "mok.MokFlow",
        "runs": [f"MokFlow/{RUN}"],
        "two": {"result": "MokFlow-name"},
        "after_one": 0,
        "after_both": 1,
    }
    return observed(*tasks, extra=extra, final_status=None)


def _following() -> Observation:
    leader = "MokLeader/sched-01"
    middle = task("middle", artifacts={"kinds": ["run"], "leader": leader})
    extra = {
        "elsewhere": {"result": "MokLeader/sched-02"},
        "in_vain": {"result": "MokLeader/sched-03"},
        "leader": {"result": leader},
        "too_early": [],
        "runs": [f"MokFlow/{RUN}"],
    }
    return observed(task("start"), middle, task("end"), extra=extra, final_status=None)


def _stubborn() -> Observation:
    start = task("start", attempts=range(6), successful=False)
    return with_ledger(observed(start, task("end")), {"start": [0, 1, 2, 3, 4]})


def _address() -> Observation:
    steps = ("start", "middle", "end")
    return observed(*(task(step, seen={"branch": "user.a.b+c@d.e"}) for step in steps))


GOOD_OPTIONS: dict[str, Observation] = {
    "owned": _owned(),
    "hooked": _hooked("told_run", "told_badly", "told_next", "told_elsewhere", good=True),
    "hooked_failing": _hooked(
        "warned_run", "warned_badly", "warned_next", "warned_elsewhere", good=False
    ),
    "resumed": _resumed(locally=False),
    "resumed_locally": _resumed(locally=True),
    "stubborn": _stubborn(),
    "branded_address": _address(),
    "scheduled": _scheduled(),
    "evented": _evented(),
    "following": _following(),
    "packaged": packaged(),
    "isolated": _isolated("none"),
    "locked": _isolated("1.1.1"),
}
