"""What starts a run without anybody's call: schedules, events, and other flows that succeed.

Data and decisions only; who keeps time and carries events is the engine's affair (group K).

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a flow runs by itself (clause K1).

    Attributes:
        cron: five fields in the usual syntax: minute, hour, day, month, weekday (0 is Sunday).
        timezone: IANA name of the time zone that the fields are meant in.
    """

    cron: str
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Trigger:
    """An event that a flow waits for (clauses K3, K4).

    Attributes:
        name: name of the event.
        kind: `event`, or `run` for the success of another flow.
        parameters: for each parameter of the flow, the key of the payload that it is taken from.
    """

    name: str
    kind: str = "event"
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        id: the same for the same occurrence, however often it is published (clause K6).
        name: its name.
        kind: `event` or `run`.
        timestamp: seconds since the epoch.
        payload: what it carries.
    """

    id: str
    name: str
    kind: str = "event"
    timestamp: int = 0
    payload: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The event as JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Event:
        """The event that :meth:`to_json` wrote."""
        return cls(**json.loads(text))

    def facts(self) -> dict[str, Any]:
        """What `current.trigger` shows of it (clause K5)."""
        return {"timestamp": self.timestamp, "id": self.id, "name": self.name, "type": self.kind}


def finish_event_name(flow_name: str, project: str = "", branch: str = "") -> str:
    """Name of the event that says that a flow has succeeded (clause K4)."""
    return ".".join(["metaflow", *filter(None, (project, branch)), flow_name, "end"])


def complete(triggers: Sequence[Trigger], seen: Mapping[str, Event]) -> list[Event] | None:
    """The events that together start a run, when all have been seen (clause K3); else None."""
    if not triggers or any(trigger.name not in seen for trigger in triggers):
        return None
    return [seen[trigger.name] for trigger in triggers]


def parameters_of(triggers: Sequence[Trigger], events: Sequence[Event]) -> dict[str, Any]:
    """The values that the payloads give to parameters, by parameter name."""
    return {
        parameter: event.payload[key]
        for trigger, event in zip(triggers, events, strict=True)
        for parameter, key in trigger.parameters.items()
        if key in event.payload
    }


def run_id_for(prefix: str, deployment: str, *occasion: str) -> str:
    """The id of the run that an occasion starts: whoever notices it twice starts one run."""
    digest = hashlib.sha256("\n".join((deployment, *occasion)).encode()).hexdigest()
    return f"{prefix}-{digest[:16]}"


def standard_cron(expression: str) -> str:
    """A schedule of Metaflow as a usual cron line of five fields (clause K1).

    Six fields are in the syntax of AWS: `?` for no condition, weekdays from 1 for Sunday, and a
    year, which has to be any year.

    Raises:
        ValueError: it has another number of fields, or is bound to a year.
    """
    fields = expression.split()
    if len(fields) == 5:
        return " ".join(fields).replace("?", "*")
    if len(fields) != 6:
        raise ValueError(f"Schedule '{expression}' has {len(fields)} fields, not 5 or 6.")
    *fields, year = fields
    if year not in ("*", "?"):
        raise ValueError(f"Schedule '{expression}' is bound to the year {year}.")
    fields[4] = re.sub(r"(?<![\w/#])[1-7](?!\w)", lambda day: str(int(day[0]) - 1), fields[4])
    return " ".join("*" if text == "?" else text for text in fields)
