"""The lab deploys a flow anew, also where trigger() runs it and where nothing can be terminated."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from metaflow_orchestrator_kit.compliance.lab.scripts.redeployed import redeploy_while_running

WORD = SimpleNamespace(task={"word": SimpleNamespace(data="second")})


class Finished(dict):  # type: ignore[type-arg]
    """What Metaflow's client gives for a run that is over."""

    finished = True


class Run:
    """A triggered run that was over when trigger() returned; it has no terminate()."""

    pathspec = "MokFlow/sched-7f"
    status = "SUCCEEDED"
    run = Finished(end=WORD)


@dataclass
class Inline:
    """A scheduler whose trigger() runs the flow, in the place of the lab's live objects."""

    calls: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    triggered: Any = None

    @property
    def deployed(self) -> Any:
        return SimpleNamespace(trigger=self.run_it)

    def run_it(self) -> Run:
        self.calls.append("trigger")
        return Run()

    def trigger(self) -> None:
        self.triggered = self.run_it()

    def release(self) -> None:
        self.calls.append("release")

    def edit(self, *changes: tuple[str, str]) -> None:
        self.calls.append("edit")

    def create_again(self) -> str:
        return "mok"

    def wait_for_end(self) -> None:
        self.calls.append("wait")

    def wait_until(self, what: str, holds: Any, seconds: float | None = None) -> None:
        assert seconds is None, "a slow scheduler has the scenario's whole time"
        assert holds(), what


def test_no_further_run_waits_for_a_release_where_trigger_has_run_the_first():
    live = Inline()
    redeploy_while_running(live)  # type: ignore[arg-type]
    assert live.calls.index("release") < live.calls.index("trigger", 1)
    assert live.extra["over_before"] is True
    assert live.extra["later"] == {"result": "second"}


def test_that_nothing_can_be_terminated_keeps_nobody_from_deploying_anew():
    live = Inline()
    redeploy_while_running(live)  # type: ignore[arg-type]
    assert live.extra["terminate"]["error"] == "AttributeError"
    assert live.extra["again"] == {"result": "mok"}
    assert "lost" in live.extra
