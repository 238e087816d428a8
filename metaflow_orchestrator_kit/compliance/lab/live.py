"""The live objects of one scenario: deploy, trigger, wait; each call timed and recorded."""

from __future__ import annotations

import json
import os
import pickle
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.compliance.lab import recorder
from metaflow_orchestrator_kit.compliance.lab.settings import LabSettings
from metaflow_orchestrator_kit.compliance.model import (
    RELEASE,
    Deployment,
    Scenario,
    Via,
)
from metaflow_orchestrator_kit.compliance.words import is_over


class GaveUp(Exception):
    """A wait took longer than the scenario may; the message says what it was for."""


@dataclass(slots=True)
class Live:
    """One scenario while it goes on; actions use it, the observer reads it at the end."""

    scenario: Scenario
    settings: LabSettings
    folder: Path
    flow_file: Path
    top: dict[str, Any]
    deployer_arguments: dict[str, Any]
    create_arguments: dict[str, Any]
    trigger_arguments: dict[str, Any]
    deadline: float
    announce: Callable[[str], None]
    phase: str = "deploy"
    deployed: Any = None
    triggered: Any = None
    deployment: Deployment | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    statuses: list[tuple[float, str | None]] = field(default_factory=list)
    triggered_at: float = 0.0
    run_visible_after: float | None = None
    terminal_after: float | None = None
    final_status: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    _status_cost: float = 0.0
    _next_status: float = 0.0

    @property
    def ledger_folder(self) -> Path:
        """Where attempts leave their records."""
        return self.folder / "ledger"

    @property
    def method(self) -> str:
        """The scheduler's name as an identifier: ``Deployer(f).<method>()``."""
        return self.settings.scheduler_type.replace("-", "_")

    def seconds_left(self) -> int:
        """How long a command may take.

        Beyond the scenario's own limit, whose message says what was waited for.
        """
        return max(1, int(self.deadline - time.monotonic())) + 30

    def deploy(self) -> None:
        """Deploy the flow; through another process when it is to be found by name only."""
        self.phase = "deploy"
        start = time.monotonic()
        if self.scenario.via is Via.FROM_DEPLOYMENT:
            self.deployment = in_another_process(self._create)
        else:
            self.deployment = self._create()
        self.seconds["deploy"] = time.monotonic() - start
        self.announce("deployed")
        if self.scenario.via is Via.FROM_DEPLOYMENT:
            self._find_by_name()

    def _create(self) -> Deployment:
        from metaflow import Deployer

        limit = self.seconds_left()
        deployer = Deployer(str(self.flow_file), file_read_timeout=limit, **self.top)
        implementation = getattr(deployer, self.method)(**self.deployer_arguments)
        self.deployed = implementation.create(**self.create_arguments)
        return Deployment(
            name=getattr(self.deployed, "name", None),
            flow_name=getattr(self.deployed, "flow_name", None),
            metadata=getattr(self.deployed, "metadata", None),
            attributes=recorder.last(),
        )

    def create_again(
        self, file: Path | None = None, branch: str | None = None, **options: Any
    ) -> str:
        """Deploy the flow file once more, as it is now; the name of the deployment.

        Metaflow keeps a flow that it has loaded: call it in another process. Another file may be
        deployed instead, or into another branch.
        """
        return str(self.deploy_again(file, branch, **options).name)

    def deploy_again(
        self, file: Path | None = None, branch: str | None = None, **options: Any
    ) -> Any:
        """As :meth:`create_again`; the deployed flow itself, which does not leave its process."""
        from metaflow import Deployer

        top = {**self.top, **({} if branch is None else {"branch": branch})}
        limit = self.seconds_left()
        deployer = Deployer(str(file or self.flow_file), file_read_timeout=limit, **top)
        implementation = getattr(deployer, self.method)(**self.deployer_arguments)
        return implementation.create(**{**self.create_arguments, **options})

    def edit(self, *changes: tuple[str, str]) -> None:
        """Replace parts of the flow file, each of which is there once."""
        text = self.flow_file.read_text("utf-8")
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        self.flow_file.write_text(text, encoding="utf-8")

    def _find_by_name(self) -> None:
        from metaflow import DeployedFlow

        assert self.deployment is not None
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        os.chdir(elsewhere)
        # Nothing but the name is left to whoever finds it, and nothing can be written down there.
        elsewhere.chmod(0o555)
        self.flow_file.parent.rename(self.folder / "flow-as-deployed")
        self.extra["flow_folder"] = self.flow_file.parent.exists()
        (self.folder / "cwd").rename(self.folder / "cwd-as-deployed")
        (self.folder / "cwd").touch()
        self.extra["working_directory"] = (self.folder / "cwd").is_dir()
        self.phase = "from_deployment"
        start = time.monotonic()
        find = getattr(DeployedFlow, f"from_{self.method}")
        # What Metaflow knows it by; a DeployedFlow may show people another name.
        self.deployed = find(self.deployment.attributes.get("name") or self.deployment.name)
        self.seconds["from_deployment"] = time.monotonic() - start

    def trigger(self, **arguments: Any) -> None:
        """Trigger the deployed flow, with the scenario's arguments and further ones."""
        self.phase = "trigger"
        start = time.monotonic()
        self.triggered = self.deployed.trigger(**{**self.trigger_arguments, **arguments})
        self.triggered_at = time.monotonic()
        self.seconds["trigger"] = self.triggered_at - start
        if self.deployment is not None:
            self.deployment.trigger_attributes.update(recorder.last())
        self.phase = "wait"
        self.announce("triggered")

    def follow(self, triggered: Any) -> None:
        """Look at another run from now on; it is the one that the observation tells of."""
        self.triggered = triggered
        self.triggered_at = time.monotonic()
        self.statuses.clear()
        self.run_visible_after = self.terminal_after = self.final_status = None

    def release(self) -> None:
        """Tell waiting steps that ``trigger()`` has returned."""
        (self.ledger_folder / RELEASE).touch()

    def ledger(self) -> list[dict[str, Any]]:
        """What attempts have recorded so far, in the order of their ``time``."""
        entries: list[dict[str, Any]] = []
        for file in sorted(self.ledger_folder.iterdir()):
            if file.name == RELEASE or file.name.startswith("."):
                continue
            for line in file.read_text("utf-8", errors="replace").splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue  # being written
                if isinstance(entry, dict):
                    entries.append(entry)
        return sorted(entries, key=lambda entry: float(entry.get("time") or 0.0))

    def status(self) -> str | None:
        """Ask for the status, and record it when it has changed."""
        start = time.monotonic()
        status = getattr(self.triggered, "status", None)
        now = time.monotonic()
        self._status_cost = now - start
        # A status may cost a process: never spend more than a fifth of the time on it.
        self._next_status = now + max(0.4, 4 * self._status_cost)
        value = None if status is None else str(status)
        if not self.statuses or self.statuses[-1][1] != value:
            self.statuses.append((round(now - self.triggered_at, 3), value))
        return value

    def wait_until(
        self, what: str, holds: Callable[[], bool], seconds: float | None = None
    ) -> None:
        """Wait for something; as long as the scenario may take, unless ``seconds`` are fewer.

        Raises:
            GaveUp: it did not happen in that time; the message says what was waited for.
        """
        left = self.deadline - time.monotonic()
        rest = "" if seconds else ", which was the rest of the scenario's time,"
        if seconds is None:
            seconds = left - 1.0  # the scenario's own alarm does not say what was waited for
        limit = time.monotonic() + min(seconds, left)
        pause = 0.05
        while not holds():
            if time.monotonic() > limit:
                raise GaveUp(f"Waited {seconds:.0f} s{rest} for {what}; it did not happen.")
            time.sleep(pause)
            pause = min(0.3, pause * 1.3)

    @staticmethod
    def leave_time(needed: float = 0.0) -> None:
        """Let pass what something that must not happen would need to happen.

        Args:
            needed: seconds that the like of it has needed before, here and now.
        """
        time.sleep(2.0 + 2 * needed)

    def wait_for_end(self) -> None:
        """Wait until the run has ended, by the scheduler's word or the Metaflow client's.

        Raises:
            GaveUp: the time of the scenario is over.
        """
        self.phase = "wait"
        finished = False

        def over() -> bool:
            nonlocal finished
            if not finished:
                run = self.triggered.run
                if run is not None and self.run_visible_after is None:
                    self.run_visible_after = round(time.monotonic() - self.triggered_at, 3)
                    self.announce("running")
                if run is not None and run.finished:
                    finished = True
                    self._next_status = 0.0
            if time.monotonic() < self._next_status:
                return False
            self.final_status = self.status()
            has_status = hasattr(type(self.triggered), "status")
            return is_over(self.final_status) or (finished and not has_status)

        left = self.deadline - time.monotonic()
        try:
            self.wait_until(f"the end of {self.triggered.pathspec}", over, left)
        except GaveUp as error:
            raise GaveUp(f"{error} {self._where_it_stands(finished)}") from None
        self.terminal_after = round(time.monotonic() - self.triggered_at, 3)
        self.announce("ended")

    def _where_it_stands(self, finished: bool) -> str:
        visible = "is" if self.run_visible_after is not None else "is not"
        ended = "has" if finished else "has not"
        return (
            f"The last status was {self.final_status!r}; the run {visible} in Metaflow's "
            f"metadata, and by that {ended} finished."
        )


def in_another_process(action: Callable[[], Any]) -> Any:
    """The result of the action, carried out in a forked process.

    Raises:
        Exception: whatever the action raised, as RuntimeError with the same text.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            outcome: tuple[bool, Any] = (True, action())
        except BaseException as error:
            outcome = (False, f"{type(error).__name__}: {error}")
        with os.fdopen(writing, "wb") as stream:
            stream.write(pickle.dumps(outcome))
        for thread in threading.enumerate():
            if thread is not threading.current_thread():
                thread.join(timeout=1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        content = stream.read()
    os.waitpid(child, 0)
    good, value = pickle.loads(content) if content else (False, "the process died")
    if not good:
        raise RuntimeError(value)
    return value
