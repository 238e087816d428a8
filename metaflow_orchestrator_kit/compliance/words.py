"""What schedulers call the end of a run; in lower case, with underscores (clause L1)."""

from __future__ import annotations

from typing import Any

SUCCEEDED = frozenset(
    {"succeeded", "success", "successful", "completed", "complete", "finished", "done", "passed"}
)

FAILED = frozenset(
    {"failed", "failure", "error", "errored", "crashed", "timed_out", "timedout", "timeout"}
)

ENDED = frozenset({"aborted", "terminated", "cancelled", "canceled", "killed", "stopped"})
"""Neither success nor a failure of the run's own."""


def plain(status: str | None) -> str:
    """A status in the spelling of the sets above; ``none`` where there is none."""
    return str(status).strip().lower().replace("-", "_")


def is_over(status: str | None) -> bool:
    """Whether a status means that nothing more will happen, in whatever words."""
    return plain(status) in SUCCEEDED | FAILED | ENDED


def has_ended(run: Any) -> bool:
    """Whether a triggered run is over, by Metaflow's client or by the scheduler's word."""
    found = run.run
    return bool(found is not None and found.finished) or is_over(getattr(run, "status", None))


def is_good(status: str | None) -> bool:
    """Whether a status means that the run succeeded."""
    return plain(status) in SUCCEEDED


def is_bad(status: str | None) -> bool:
    """Whether a status means that the run failed; ``aborted`` is some schedulers' word for it."""
    return plain(status) in FAILED | {"aborted"}
