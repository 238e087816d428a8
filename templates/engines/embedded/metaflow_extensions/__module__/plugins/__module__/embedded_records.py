"""What the embedded scheduler remembers of a run, and how that is written down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .plan import Plan, PlanUnreadable, RunRequest
from .walk import Event, Finished, Handout, Lost, State, Stopped


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as it was asked for, and how it stands.

    Attributes:
        request: what was asked for.
        deployment: the name under which it was deployed at that time.
        found: the plan it runs under, whatever has been deployed since; or why it cannot be read.
        code: folder of the deployment's code.
        state: running, or the verdict.
        reason: why it failed or was stopped.
        stop_reason: set once somebody has asked to end it.
        suspended: whether no more of its tasks are to start for now.
        created: seconds since the epoch.
        finished: seconds since the epoch; None while it runs.
        closed: whether nothing is left to do for it: it is over and its exit hooks were called.
        begun: whether anything has driven it yet.
    """

    request: RunRequest
    deployment: str
    found: Plan | PlanUnreadable
    code: Path
    state: State
    reason: str
    stop_reason: str | None
    suspended: bool
    created: float
    finished: float | None
    closed: bool
    begun: bool

    @property
    def plan(self) -> Plan:
        """The plan it runs under.

        Raises:
            PlanUnreadable: the message names the run.
        """
        return readable(self.found)


def plan_in(row: Mapping[str, Any]) -> Plan | PlanUnreadable:
    """The plan in a row of deployments or of runs, or why it cannot be read, and whose it is.

    Of many rows, one that cannot be read must not take the others with it.
    """
    try:
        return Plan.from_json(row["plan"])
    except PlanUnreadable as error:
        of = dict(row)
        whose = f"Run '{of['run_id']}'" if "run_id" in of else f"Deployment '{of['name']}'"
        return type(error)(f"{whose}: {error}")


def readable(found: Plan | PlanUnreadable) -> Plan:
    """A plan that was found.

    Raises:
        PlanUnreadable: it cannot be read.
    """
    if isinstance(found, PlanUnreadable):
        raise found
    return found


def record(row: Mapping[str, Any]) -> RunRecord:
    """A run, as a row of its table says."""
    return RunRecord(
        request=RunRequest.from_dict(json.loads(row["request"])),
        deployment=row["deployment"],
        found=plan_in(row),
        code=Path(row["code"]),
        state=State(row["state"]),
        reason=row["reason"],
        stop_reason=row["stop_reason"],
        suspended=bool(row["suspended"]),
        created=row["created"],
        finished=row["finished"],
        closed=bool(row["closed"]),
        begun=bool(row["fence"]),
    )


def event_to_json(event: Event) -> str:
    """An event, as it is written down."""
    return json.dumps({"kind": type(event).__name__, **asdict(event)})


def event_from_json(text: str) -> Event:
    """An event that was written down.

    Raises:
        ValueError: it is of a kind that this version does not know.
    """
    fields = json.loads(text)
    match fields.pop("kind"):
        case "Finished":
            return Finished(**{**fields, "handout": Handout.from_dict(fields["handout"])})
        case "Lost":
            return Lost(**fields)
        case "Stopped":
            return Stopped(**fields)
        case other:
            raise ValueError(f"Event of unknown kind {other!r}: written by a newer version?")
