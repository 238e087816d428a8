"""What a scenario does once its flow is deployed: the usual, and the special ways."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.compliance.lab.flows import copy_beside
from metaflow_orchestrator_kit.compliance.lab.live import Live, in_another_process

Action = Callable[[Live], None]

ACTIONS: dict[str, Action] = {}

_DEMANDED = ('Parameter("text", default="plain")', 'Parameter("text", type=str, required=True)')


def action(function: Action) -> Action:
    """Register a function under its own name, which is what ``Scenario.script`` holds."""
    ACTIONS[function.__name__] = function
    return function


@action
def run_to_end(live: Live) -> None:
    """Trigger, release the steps that wait for that, wait for the end."""
    live.trigger()
    live.release()
    live.wait_for_end()


@action
def edit_then_run(live: Live) -> None:
    """Edit the flow file of what was deployed, then run that to the end."""
    live.edit(("EDITED = False", "EDITED = True"))
    run_to_end(live)


@action
def terminate_while_running(live: Live) -> None:
    """Terminate while a step holds; ``extra`` says what it gave and what came after."""
    live.trigger()
    live.wait_until(
        "a step that records the event 'holding'",
        lambda: any(entry.get("event") == "holding" for entry in live.ledger()),
        seconds=90,
    )
    live.extra["status_before"] = live.status()
    start = time.monotonic()
    live.extra["terminate"] = outcome(live.triggered.terminate)
    live.extra["terminate"]["seconds"] = round(time.monotonic() - start, 3)
    live.wait_for_end()
    live.extra["entries_before"] = len(live.ledger())
    live.leave_time()
    live.extra["entries_after"] = len(live.ledger())
    live.extra["terminate_again"] = outcome(live.triggered.terminate)
    live.extra["status_after"] = live.status()


@action
def list_deployments(live: Live) -> None:
    """Run to the end, then find the deployment and the run again in every way there is."""
    from metaflow import DeployedFlow

    run_to_end(live)
    assert live.deployment is not None
    listed = getattr(DeployedFlow, f"list_{live.method}")
    found = getattr(DeployedFlow, f"get_triggered_{live.method}_run")
    by_name = getattr(DeployedFlow, f"from_{live.method}")

    def names(*flow: str) -> Any:
        return sorted(str(one.name) for one in listed(*flow))

    def again() -> Any:
        run_id = live.triggered.pathspec.split("/")[-1]
        assert live.deployment is not None
        run = found(live.deployment.name, run_id)
        return {"pathspec": run.pathspec, "status": getattr(run, "status", None)}

    live.extra["listed_all"] = outcome(names)
    flow = str(live.deployment.flow_name)
    live.extra["listed_flow"] = outcome(lambda: names(flow))
    # Neither flow exists; the name of the second one is the beginning of one that does.
    live.extra["listed_other"] = outcome(lambda: names("NoSuchFlowAnywhere") + names(flow[:-1]))
    live.extra["found_run"] = outcome(again)
    live.extra["unknown"] = outcome(lambda: str(by_name("no-such-deployment").name))
    live.extra["foreign_run"] = outcome(
        lambda: found(live.deployment and live.deployment.name, "another-17").terminate()
    )
    live.extra["delete"] = outcome(lambda: live.deployed.delete())
    live.extra["found_after_delete"] = outcome(
        lambda: str(by_name(str(live.deployment and live.deployment.name)).name)
    )
    live.extra["delete_again"] = outcome(lambda: live.deployed.delete())


@action
def trigger_wrongly_first(live: Live) -> None:
    """Trigger with a wrong name, with a wrong type, without what is required, then rightly."""
    live.extra["misspelt"] = outcome(lambda: live.deployed.trigger(cuont=1).pathspec)
    live.extra["mistyped"] = outcome(lambda: live.deployed.trigger(count="many").pathspec)
    demanding = copy_beside(live.flow_file, "Demanding", _DEMANDED)
    live.extra["missing"] = outcome_elsewhere(
        lambda: str(live.deploy_again(file=demanding).trigger().pathspec)
    )
    run_to_end(live)


@action
def compile_and_run(live: Live) -> None:
    """Run to the end; ``extra`` has what ``create --only-json`` prints, and the number of cards."""
    command = [sys.executable, str(live.flow_file), "--no-pylint"]
    command += [live.settings.scheduler_type, "create", "--only-json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    live.extra["compiled"] = {
        "code": done.returncode,
        "stdout": done.stdout,
        "stderr": done.stderr[-4000:],
    }
    run_to_end(live)
    live.extra["cards"] = outcome(lambda: _cards(live, "end"))


def _cards(live: Live, step: str) -> int:
    """How many cards the task of a step has: for the client, or where Metaflow has put them.

    With a local datastore Metaflow writes them under the ``.metaflow`` above the directory that a
    task runs in, and looks for them under the datastore's root: where the two differ, a plain
    ``run`` finds none either, and a scheduler is not to blame.
    """
    from metaflow import Run, namespace
    from metaflow.cards import get_cards
    from metaflow.plugins.cards.exception import CardNotPresentException

    namespace(None)
    task = Run(live.triggered.pathspec, _namespace_check=False)[step].task
    try:
        return len(list(get_cards(task)))
    except CardNotPresentException:
        found = cards_above(Path(task["seen"].data["cwd"]), task.pathspec)
        if not found:
            raise
        return found


def cards_above(folder: Path, pathspec: str) -> int:
    """How many cards of a task the first ``.metaflow`` from a directory upwards has."""
    flow, run, step, task = pathspec.split("/")
    roots = (path / ".metaflow" for path in (folder, *folder.parents))
    root = next((path for path in roots if path.is_dir()), None)
    if root is None:
        return 0
    cards = root / "mf.cards" / flow / "runs" / run / "steps" / step / "tasks" / task / "cards"
    return len(list(cards.glob("*.html")))


def outcome(call: Callable[[], Any]) -> dict[str, Any]:
    """``{"result": …}`` of a call, or ``{"error": type, "message": text}`` of its exception."""
    try:
        return {"result": call()}
    except Exception as error:  # what was raised is what was seen
        return {"error": type(error).__name__, "message": str(error)[:4000]}


def outcome_elsewhere(call: Callable[[], Any]) -> dict[str, Any]:
    """The outcome of a call in another process; the message has all that its commands printed."""

    def attempt() -> dict[str, Any]:
        with tempfile.TemporaryFile() as printed:
            for stream in (1, 2):
                os.dup2(printed.fileno(), stream)
            found = outcome(call)
            for thread in threading.enumerate():
                if thread is not threading.current_thread():
                    thread.join(timeout=30)
            sys.stdout.flush()
            sys.stderr.flush()
            printed.seek(0)
            text = printed.read().decode("utf-8", "replace").strip()
        if "error" in found and text and text not in found["message"]:
            found["message"] = f"{found['message']}\n{text}"[:8000]
        return found

    result: dict[str, Any] = in_another_process(attempt)
    return result
