"""Right observations of what an orchestrator need not be able to do."""

from __future__ import annotations

from typing import Any

from made import RUN, observed, task

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


GOOD_OPTIONS: dict[str, Observation] = {
    "owned": _owned(),
    "hooked": _hooked("told_run", "told_badly", "told_next", "told_elsewhere", good=True),
    "hooked_failing": _hooked(
        "warned_run", "warned_badly", "warned_next", "warned_elsewhere", good=False
    ),
}
