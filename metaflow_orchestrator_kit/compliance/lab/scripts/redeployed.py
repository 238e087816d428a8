"""A deployment that is replaced while a run of it goes on."""

from __future__ import annotations

from functools import partial
from typing import Any

from metaflow_orchestrator_kit.compliance.lab.actions import action, outcome, outcome_elsewhere
from metaflow_orchestrator_kit.compliance.lab.live import Live
from metaflow_orchestrator_kit.compliance.words import has_ended

_END = "    @step\n    def end(self):"
_LOST = "    @step\n    def lost(self):\n        self.next(self.end)\n\n"


@action
def redeploy_while_running(live: Live) -> None:
    """Terminate one of two runs, deploy the edited flow, and run both: the old and the new one.

    At last the flow is edited so that it is none any more: a step that nothing leads to.
    """
    live.trigger()
    if has_ended(live.triggered):  # trigger() has run it: let no further run wait for nothing
        live.release()
    doomed = live.deployed.trigger()
    for run in (live.triggered, doomed):
        live.wait_until(f"{run.pathspec} to be visible", partial(_is_visible, run))
    live.extra["terminate"] = outcome(lambda: doomed.terminate())  # not everybody has it
    live.edit(('WORD = "first"', 'WORD = "second"'))
    live.extra["again"] = outcome_elsewhere(live.create_again)
    live.extra["over_before"] = has_ended(live.triggered)
    later = live.deployed.trigger()
    live.release()
    live.wait_for_end()
    live.wait_until(f"the end of {later.pathspec}", lambda: has_ended(later))
    live.extra["later"] = outcome(lambda: later.run["end"].task["word"].data)
    live.edit((_END, f"{_LOST}{_END}"))
    live.extra["lost"] = outcome_elsewhere(live.create_again)


def _is_visible(run: Any) -> bool:
    return run.run is not None
