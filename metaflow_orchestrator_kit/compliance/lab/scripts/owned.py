"""Two users: the one who deployed, and another one who does not know the production token."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from metaflow_orchestrator_kit.compliance.lab.actions import action, outcome, outcome_elsewhere
from metaflow_orchestrator_kit.compliance.lab.live import Live

STRANGER = "mok-stranger"


@action
def another_user(live: Live) -> None:
    """While the owner's run goes on, another user tries to take over; then with the token."""
    from metaflow import DeployedFlow

    assert live.deployment is not None
    name = live.deployment.name
    live.extra["token"] = outcome(lambda: live.deployed.production_token)
    live.trigger()
    run_id = live.triggered.pathspec.split("/")[-1]

    def found() -> Any:
        return getattr(DeployedFlow, f"from_{live.method}")(name)

    def terminate() -> Any:
        find = getattr(DeployedFlow, f"get_triggered_{live.method}_run")
        return find(name, run_id).terminate()

    live.extra["redeploy"] = _as_stranger(live, live.create_again)
    live.extra["terminate"] = _as_stranger(live, terminate)
    live.extra["delete"] = _as_stranger(live, lambda: found().delete())
    live.extra["token_after_refusals"] = outcome_elsewhere(lambda: found().production_token)
    live.release()
    live.wait_for_end()
    token = str(live.extra["token"].get("result"))
    live.extra["authorized"] = _as_stranger(live, lambda: live.create_again(authorize=token))
    live.extra["token_after_redeploy"] = outcome_elsewhere(lambda: found().production_token)


def _as_stranger(live: Live, call: Callable[[], Any]) -> dict[str, Any]:
    """The outcome of a call in a process of another user, who keeps no tokens (clause J5)."""

    def attempt() -> Any:
        home = live.folder / "stranger"
        home.mkdir(exist_ok=True)
        os.environ.update(METAFLOW_USER=STRANGER, METAFLOW_TOKEN_HOME=str(home))
        os.chdir(home)
        return call()

    return outcome_elsewhere(attempt)
